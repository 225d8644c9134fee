#include "s3/customer_key.h"

#include "base/checksum.h"
#include "base/encoding.h"

namespace objectpipes {

Result<std::vector<std::string>> CustomerKeyHeaders(std::string_view key) {
  if (key.empty()) return std::vector<std::string>();
  if (!Checksum::Available(ChecksumType::kMd5)) {
    return Status(StatusCode::kConfig, "sse_customer_key needs MD5, which OpenSSL does not offer");
  }
  Checksum md5(ChecksumType::kMd5);
  md5.Update(key.data(), key.size());
  const std::string header = "x-amz-server-side-encryption-customer-";
  return std::vector<std::string>{
      header + "algorithm: AES256",
      header + "key: " + Base64Encode(key),
      header + "key-md5: " + Base64Encode(md5.Finish()),
  };
}

}  // namespace objectpipes

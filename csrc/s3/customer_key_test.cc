#include "s3/customer_key.h"

#include <gtest/gtest.h>

namespace objectpipes {
namespace {

TEST(CustomerKeyHeaders, AreThoseOfS3) {
  const std::vector<std::string> headers = CustomerKeyHeaders(std::string(32, 'k')).value();
  EXPECT_EQ(headers, (std::vector<std::string>{
                         "x-amz-server-side-encryption-customer-algorithm: AES256",
                         "x-amz-server-side-encryption-customer-key: "
                         "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
                         "x-amz-server-side-encryption-customer-key-md5: mT2HRsMGJ5IX5C+0rreZ8Q==",
                     }));
}

TEST(CustomerKeyHeaders, AreNotSentWithoutAKey) {
  EXPECT_TRUE(CustomerKeyHeaders("").value().empty());
}

}  // namespace
}  // namespace objectpipes

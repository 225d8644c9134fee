#include "base/sha256.h"

#include <gtest/gtest.h>

#include <string>

#include "base/encoding.h"

namespace objectpipes {
namespace {

std::string Hex(const Result<Sha256::Digest>& digest) {
  return HexEncode(Sha256::Bytes(digest.value()));
}

TEST(Sha256, HashesTheExamplesOfFips180) {
  Sha256 sha256;
  EXPECT_EQ(Hex(sha256.Hash("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hex(sha256.Hash("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex(sha256.Hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, AuthenticatesTheExamplesOfRfc4231) {
  Sha256 sha256;
  EXPECT_EQ(Hex(sha256.Hmac("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(Hex(sha256.Hmac(std::string(131, '\xAA'),
                            "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Sha256, StartsAfreshWithEveryCall) {
  Sha256 sha256;
  const Sha256::Digest hash = sha256.Hash("text").value();
  const Sha256::Digest hmac = sha256.Hmac("key", "text").value();
  (void)sha256.Hmac("other key", "other text").value();
  EXPECT_EQ(sha256.Hash("text").value(), hash);
  EXPECT_EQ(sha256.Hmac("key", "text").value(), hmac);
}

}  // namespace
}  // namespace objectpipes

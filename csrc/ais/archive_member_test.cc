#include "ais/archive_member.h"

#include <gtest/gtest.h>

#include <string>

namespace objectpipes::ais {
namespace {

TEST(SplitArchiveMember, GoesByTheExtension) {
  for (const char* archive : {"s.tar", "s.tgz", "s.tar.gz", "s.zip", "s.tar.lz4", "dir/s.tar"}) {
    const std::string key = std::string(archive) + "/dir/member.jpg";
    const auto parts = SplitArchiveMember(key);
    ASSERT_TRUE(parts.has_value()) << key;
    EXPECT_EQ(parts->archive, archive);
    EXPECT_EQ(parts->member, "dir/member.jpg");
  }
}

TEST(SplitArchiveMember, TheOutermostArchiveIsTheObject) {
  const auto parts = SplitArchiveMember("a.tar/b.tar/c");
  EXPECT_EQ(parts->archive, "a.tar");
  EXPECT_EQ(parts->member, "b.tar/c");
}

TEST(SplitArchiveMember, EverythingElseIsAnObject) {
  for (const char* key :
       {"", "s.tar", "s.tar/", "dir/s.tar", "s.tar.bz2/m", "s.TAR/m", "tar/m", "a/b/c"}) {
    EXPECT_FALSE(SplitArchiveMember(key).has_value()) << key;
  }
}

}  // namespace
}  // namespace objectpipes::ais

#include "s3/aws/jobs.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "s3/aws/s3_client.h"
#include "s3/aws/sdk.h"
#include "testing/loop_test.h"
#include "testing/loopback_server.h"

namespace objectpipes {
namespace {

using Peer = LoopbackServer::Peer;

class JobsTest : public LoopTest {
 protected:
  // What comes of a page that is asked for at a server whose only reply this is.
  ReplyPipe::News List(const std::string& reply) {
    EXPECT_TRUE(StartAwsSdk().ok());
    LoopbackServer server([&reply](Peer* peer) {
      peer->ReadRequest();
      peer->Send(reply);
    });
    S3Options options;
    options.endpoint_url = server.url("");
    options.http.connect_timeout_ms = options.http.stall_timeout_ms = 10'000;
    JobContext context{MakeS3Client(options, "us-east-1", std::make_shared<CredentialStore>()),
                       "us-east-1", RequestOptions{}};
    ListRequest request;
    request.bucket = "bucket";
    const auto pipe = std::make_shared<ReplyPipe>(&loop_, [] {});
    RunList(context, request, ListVersion::kV2, pipe.get());
    return pipe->Take();
  }
};

TEST_F(JobsTest, APageArrives) {
  const ReplyPipe::News news = List(Reply("<ListBucketResult/>"));
  ASSERT_TRUE(news.end.has_value());
  EXPECT_TRUE(news.end->status.ok()) << news.end->status.message();
  EXPECT_EQ(news.data, "<ListBucketResult/>");
}

TEST_F(JobsTest, APageWithoutEndIsFetchedOnce) {
  const ReplyPipe::News news = List(Reply(std::string((size_t{64} << 20) + 1, ' ')));
  ASSERT_TRUE(news.end.has_value());
  EXPECT_EQ(news.end->status.code(), StatusCode::kProtocol);
  EXPECT_EQ(news.end->hint.kind, RetryHint::Kind::kFatal);
  EXPECT_EQ(news.data, "");
}

}  // namespace
}  // namespace objectpipes

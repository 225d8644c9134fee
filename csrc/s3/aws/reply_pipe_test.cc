#include "s3/aws/reply_pipe.h"

#include <gtest/gtest.h>

#include <deque>
#include <thread>

namespace objectpipes {
namespace {

// Runs what is posted when the test says so.
class ManualExecutor final : public Executor {
 public:
  void Post(std::function<void()> function) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    posted_.push_back(std::move(function));
  }
  void PostAfter(int64_t, std::function<void()> function) override { Post(std::move(function)); }

  // How many there were.
  int RunAll() {
    std::deque<std::function<void()>> functions;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      functions.swap(posted_);
    }
    for (const auto& function : functions) function();
    return static_cast<int>(functions.size());
  }

 private:
  std::mutex mutex_;
  std::deque<std::function<void()>> posted_;
};

class ReplyPipeTest : public testing::Test {
 protected:
  ManualExecutor executor_;
  int news_ = 0;
  std::shared_ptr<ReplyPipe> pipe_ = std::make_shared<ReplyPipe>(&executor_, [this] { ++news_; });
};

TEST_F(ReplyPipeTest, CarriesHeadDataAndEnd) {
  ReplyHead head;
  head.length = 6;
  pipe_->PutHead(head);
  EXPECT_TRUE(pipe_->PutData("abc", 3));
  EXPECT_TRUE(pipe_->PutData("def", 3));
  pipe_->PutEnd(S3Error{});

  EXPECT_EQ(executor_.RunAll(), 1) << "a burst is announced once";
  EXPECT_EQ(news_, 1);
  const ReplyPipe::News news = pipe_->Take();
  ASSERT_TRUE(news.head.has_value());
  EXPECT_EQ(news.head->length, 6);
  EXPECT_EQ(news.data, "abcdef");
  EXPECT_TRUE(news.end.has_value());
}

TEST_F(ReplyPipeTest, AnnouncesAgainWhatTheReaderLeft) {
  pipe_->PutData("abc", 3);
  executor_.RunAll();
  pipe_->PutData("def", 3);
  EXPECT_EQ(executor_.RunAll(), 1);
  EXPECT_EQ(news_, 2);
  EXPECT_EQ(pipe_->Take().data, "abcdef");
}

TEST_F(ReplyPipeTest, HoldsTheWriterUpWhileTheReaderIsBehind) {
  const std::string piece(100'000, 'x');
  std::thread writer([&] {
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(pipe_->PutData(piece.data(), piece.size()));
    pipe_->PutEnd(S3Error{});
  });
  size_t taken = 0;
  for (bool ended = false; !ended;) {
    const ReplyPipe::News news = pipe_->Take();
    EXPECT_LE(news.data.size(), 4 * piece.size());
    taken += news.data.size();
    ended = news.end.has_value();
    std::this_thread::yield();
  }
  writer.join();
  EXPECT_EQ(taken, 100 * piece.size());
}

TEST_F(ReplyPipeTest, LetsTheWriterGoWhenClosed) {
  const std::string much(1'000'000, 'x');
  pipe_->PutData(much.data(), much.size());
  std::thread writer([&] { EXPECT_FALSE(pipe_->PutData("abc", 3)); });
  pipe_->Close();
  writer.join();
}

TEST_F(ReplyPipeTest, SaysNothingAfterClose) {
  pipe_->PutData("abc", 3);
  pipe_->Close();
  pipe_->PutEnd(S3Error{});
  executor_.RunAll();
  EXPECT_EQ(news_, 0);
}

}  // namespace
}  // namespace objectpipes

#include "base/fork.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "engine/engine.h"
#include "engine/read_window.h"
#include "testing/engine_test.h"
#include "testing/sanitizers.h"

namespace objectpipes {
namespace {

// A window on a store in memory, with the engine of this process.
class Reader {
 public:
  Reader() {
    Engine* const engine = Engine::OfThisProcess();
    auto store = std::make_unique<FakeTransport>(engine->loop());
    for (int i = 0; i < 8; ++i) store->Put(std::to_string(i), Body(i));
    client_ =
        std::make_shared<Client>(engine->loop(), engine->pool(), engine->stats(), std::move(store),
                                 std::make_shared<CredentialStore>(), RetryPolicy{}, true);
    window_ = ReadWindow::Open(client_, engine->budget(), ReadWindow::Options{});
  }
  ~Reader() { window_->Close(); }

  // Whether the eight objects come, each as itself.
  bool ReadsAll() {
    std::vector<ReadRequest> requests;
    for (int i = 0; i < 8; ++i) {
      requests.push_back(ReadRequest{ObjectId{"bucket", std::to_string(i)}, -1});
    }
    window_->Submit(std::move(requests));
    std::vector<ReadResult> results;
    for (int waits = 0; results.size() < 8 && waits < 600; ++waits) {
      window_->Take(8, 50, &results);
    }
    bool good = results.size() == 8;
    for (size_t i = 0; good && i < 8; ++i) {
      const Buffer& buffer = results[i].buffer;
      good = std::string_view(buffer.data(), buffer.size()) == Body(static_cast<int>(i));
    }
    return good;
  }

 private:
  static std::string Body(int i) { return Pattern(100'000, static_cast<uint64_t>(i)); }

  std::shared_ptr<Client> client_;
  std::shared_ptr<ReadWindow> window_;
};

// The exit code of a child that runs this.
int InChild(const std::function<bool()>& good) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);  // a child that hangs ends by a signal
    _exit(good() ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// AddressSanitizer's own allocator does not survive the fork of a process of several threads, and
// that of ThreadSanitizer only while the others rest. tests/integration/test_processes.py forks
// while the parent reads.
#ifndef OBJECTPIPES_ADDRESS_SANITIZER
TEST(Fork, AChildHasAnEngineOfItsOwn) {
  Engine* const parent = Engine::OfThisProcess();
  EXPECT_EQ(Engine::OfThisProcess(), parent);
  const uint32_t generation = ForkGeneration();
  EXPECT_EQ(InChild([&] {
              return ForkGeneration() == generation + 1 && Engine::OfThisProcess() != parent &&
                     Reader().ReadsAll();
            }),
            0);
  EXPECT_EQ(ForkGeneration(), generation);
  EXPECT_EQ(Engine::OfThisProcess(), parent);
}

TEST(Fork, AGrandchildHasOneToo) {
  Engine::OfThisProcess();
  EXPECT_EQ(InChild([] {  // whether or not the child in between has used its own
              const bool unused = InChild([] { return Reader().ReadsAll(); }) == 0;
              const bool used = Reader().ReadsAll();
              return unused && used && InChild([] { return Reader().ReadsAll(); }) == 0;
            }),
            0);
}
#endif

// What the parent read is freed by the child without the pool, whose lock a thread of the parent
// may hold.
TEST(Fork, AChildFreesTheBuffersItInherited) {
  const auto pool = std::make_shared<BufferPool>(size_t{1} << 20);
  Buffer buffer = pool->Allocate(100'000);
  const char* const data = buffer.data();
  EXPECT_EQ(InChild([&] {
              buffer = Buffer();
              return pool->Allocate(100'000).valid();
            }),
            0);
  buffer = Buffer();
  EXPECT_EQ(pool->Allocate(100'000).data(), data) << "the parent's pool goes on";
}

// A stream is destroyed by the loop of its process, which a child does not have.
TEST(Fork, AChildLeavesTheStreamsAloneThatItInherited) {
  InstallForkHooks([] {}, [] {}, [] {});
  bool destroyed = false;
  ReadResult result;
  result.stream = ForkLeaked<Stream>(
      std::shared_ptr<Stream>(nullptr, [&destroyed](Stream*) { destroyed = true; }));
  EXPECT_EQ(InChild([&] {
              result = ReadResult();
              return !destroyed;
            }),
            0);
  result = ReadResult();
  EXPECT_TRUE(destroyed);
}

}  // namespace
}  // namespace objectpipes

#include "python/py_client.h"

#include <chrono>
#include <thread>
#include <utility>

#include "ais/ais_transport.h"
#include "base/clock.h"
#include "base/fork.h"
#include "python/failure.h"
#include "python/text.h"

namespace py = pybind11;

namespace objectpipes {
namespace {

constexpr int64_t kSliceMs = 50;              // how late a signal may be served
constexpr int64_t kCredentialsLookMs = 5000;  // the provider itself refreshes ahead of expiry

std::shared_ptr<PyClient> MakeAisClient(const py::dict& options, py::function provider) {
  ais::Options ais;
  ais.endpoint_url = options["endpoint_url"].cast<std::string>();
  ais.read.archpath = BytesOf(options["archpath"]);
  ais.read.etl_name = BytesOf(options["etl_name"]);
  ais.read.etl_args = BytesOf(options["etl_args"]);
  ais.read.latest = options["latest"].cast<bool>();
  ais.http = HttpOptionsFrom(options);

  Engine* engine = Engine::OfThisProcess();
  auto credentials = std::make_shared<CredentialStore>();
  auto transport =
      std::make_unique<ais::AisTransport>(&engine->loop()->http(), std::move(ais), credentials);
  return MakeClient(engine, std::move(transport), std::move(credentials), options,
                    std::move(provider));
}

}  // namespace

HttpOptions HttpOptionsFrom(const py::dict& options) {
  HttpOptions http;
  http.ca_file = options["ca_file"].cast<std::string>();
  http.ca_path = options["ca_path"].cast<std::string>();
  http.verify_tls = options["verify_tls"].cast<bool>();
  http.client_cert = options["client_cert"].cast<std::string>();
  http.client_key = options["client_key"].cast<std::string>();
  http.proxy = options["proxy"].cast<std::string>();
  http.user_agent = options["user_agent"].cast<std::string>();
  http.connect_timeout_ms = options["connect_timeout_ms"].cast<int64_t>();
  http.stall_timeout_ms = options["stall_timeout_ms"].cast<int64_t>();
  http.requests = &Engine::OfThisProcess()->stats()->requests;
  return http;
}

std::shared_ptr<PyClient> MakeClient(Engine* engine, std::unique_ptr<Transport> transport,
                                     std::shared_ptr<CredentialStore> credentials,
                                     const py::dict& options, py::function provider) {
  RetryPolicy policy;
  policy.max_attempts = options["max_attempts"].cast<int>();
  auto client = std::make_shared<Client>(engine->loop(), engine->pool(), engine->stats(),
                                         std::move(transport), std::move(credentials), policy,
                                         options["split"].cast<bool>());
  return std::make_shared<PyClient>(engine, std::move(client), std::move(provider));
}

PyClient::PyClient(Engine* engine, std::shared_ptr<Client> client, py::function credentials)
    : engine_(engine),
      bytes_blocks_(BytesBlocks::Of(engine)),
      generation_(ForkGeneration()),
      client_(new std::shared_ptr<Client>(std::move(client))),
      credentials_(std::move(credentials)) {}

PyClient::~PyClient() {
  if (!in_its_process()) return;
  // The transport's handles belong to the I/O thread, so it is the one to free them.
  engine_->loop()->Post([client = *client_]() mutable { client.reset(); });
  delete client_;
}

bool PyClient::in_its_process() const { return generation_ == ForkGeneration(); }

const std::shared_ptr<Client>& PyClient::client() const {
  if (!in_its_process()) {
    throw std::runtime_error(
        "this iterator was started in another process: iterate the pipe anew after fork()");
  }
  return *client_;
}

void PyClient::RefreshCredentials() {
  if (client()->credentials->refresh_wanted()) return Replace(true);
  if (MonotonicMs() >= next_look_ms_) Replace(false);
}

void PyClient::Replace(bool force) {
  next_look_ms_ = MonotonicMs() + kCredentialsLookMs;
  const py::object found = credentials_(force);
  Credentials credentials;
  if (!found.is_none()) {
    const auto parts = found.cast<py::tuple>();
    credentials.access_key = parts[0].cast<std::string>();
    credentials.secret_key = parts[1].cast<std::string>();
    credentials.session_token = parts[2].cast<std::string>();
  }
  CredentialStore& store = *client()->credentials;
  const auto [current, generation] = store.Get();
  if (force || generation == 0 || !(credentials == current)) store.Set(std::move(credentials));
}

void PyClient::PassOnWarning() const {
  const std::string_view warning = client()->transport->TakeWarning();
  if (warning.empty()) return;
  py::module_::import("logging")
      .attr("getLogger")("objectpipes")
      .attr("warning")("%s", py::str(warning.data(), warning.size()));
}

void PyClient::WaitFor(const std::function<bool(int64_t)>& attempt,
                       const std::function<void()>& check) {
  RefreshCredentials();
  while (true) {
    bool done = false;
    {
      const py::gil_scoped_release release;
      done = attempt(kSliceMs);
      // The interpreter is ending. It would end a thread that asks for the GIL now, inside of C++
      // frames that nothing may be thrown through, and with that the process.
      while (engine_->loop()->stopped_by_another_thread()) {
        std::this_thread::sleep_for(std::chrono::hours(1));
      }
    }
    PassOnWarning();
    if (done) return;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    check();
    if (engine_->loop()->stopped()) {
      throw std::runtime_error("the interpreter is shutting down: nothing more can be read");
    }
    RefreshCredentials();
  }
}

void BindClient(py::module_& module) {
  // NOLINTNEXTLINE(bugprone-unused-raii): it stays known to Python.
  py::class_<PyClient, std::shared_ptr<PyClient>>(module, "Client");
  module.def("ais_client", &MakeAisClient, py::arg("options"), py::arg("credentials"));
}

}  // namespace objectpipes

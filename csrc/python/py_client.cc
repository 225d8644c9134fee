#include "python/py_client.h"

#include <chrono>
#include <thread>
#include <type_traits>
#include <utility>

#include "ais/ais_transport.h"
#include "base/clock.h"
#include "python/bindings.h"
#include "python/failure.h"
#include "python/text.h"
#include "transport/http/http_url.h"
#include "transport/http/no_proxy.h"

namespace py = pybind11;

namespace objectpipes {
namespace {

constexpr int64_t kSliceMs = 50;  // how late a signal may be handled

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

bool Bypasses(const std::string& no_proxy, const std::string& origin) {
  const Result<RemoteHost> host = RemoteHost::Parse(origin);
  return host.ok() && BypassesProxy(no_proxy, host.value());
}

std::shared_ptr<FirstContact> ContactFrom(const py::dict& options) {
  return Engine::OfThisProcess()->ContactWith(
      HostAndPortOf(options["contact_url"].cast<std::string>()));
}

}  // namespace

HttpOptions HttpOptionsFrom(const py::dict& options) {
  HttpOptions http;
  http.ForEach([&](const char* name, auto* value) {
    *value = options[name].cast<std::decay_t<decltype(*value)>>();
  });
  http.requests = &Engine::OfThisProcess()->stats()->requests;
  http.answered = &ContactFrom(options)->answered;  // the engine keeps it for ever
  return http;
}

std::shared_ptr<PyClient> MakeClient(Engine* engine, std::unique_ptr<Transport> transport,
                                     std::shared_ptr<CredentialStore> credentials,
                                     const py::dict& options, py::function provider) {
  RetryPolicy policy;
  policy.max_attempts = options["max_attempts"].cast<int>();
  policy.first_contact_ms = options["first_contact_ms"].cast<int64_t>();
  auto client = std::make_shared<Client>(engine->loop(), engine->pool(), engine->stats(),
                                         std::move(transport), std::move(credentials), policy,
                                         options["split"].cast<bool>(), ContactFrom(options));
  return std::make_shared<PyClient>(engine, std::move(client), std::move(provider));
}

PyClient::PyClient(Engine* engine, std::shared_ptr<Client> client, py::function credentials)
    : engine_(engine),
      bytes_blocks_(BytesBlocks::Of(engine)),
      client_(std::move(client)),
      credentials_(std::move(credentials)),
      endpoint_(client_.get()->contact->endpoint) {}

PyClient::~PyClient() {
  std::shared_ptr<Client> client = client_.Release();
  if (client == nullptr) return;
  // The transport belongs to the I/O thread, which therefore frees it.
  engine_->loop()->Post([client = std::move(client)]() mutable { client.reset(); });
}

const std::shared_ptr<Client>& PyClient::client() const {
  if (!in_its_process()) {
    throw std::runtime_error(
        "this iterator was started in another process: start a new iteration after fork()");
  }
  return client_.get();
}

void PyClient::RefreshCredentials() {
  const bool needed = client()->credentials->refresh_wanted();
  const int64_t now_ms = WallMs();
  // True also if the clock was set back.
  if (now_ms >= look_again_ms_ || now_ms < looked_ms_) Renew(needed);
  // The time to look again was given when no credentials were needed.
  if (needed && !needed_) Renew(needed);
}

void PyClient::Renew(bool needed) {
  const auto answer = credentials_(needed).cast<py::tuple>();
  const auto fresh = answer[1].cast<bool>();
  const auto failure = answer[2].cast<std::string>();
  needed_ = needed && !fresh;
  looked_ms_ = WallMs();
  look_again_ms_ = looked_ms_ + static_cast<int64_t>(answer[3].cast<double>() * 1000);
  CredentialStore& store = *client()->credentials;
  if (!failure.empty()) {
    if (needed) store.Fail(failure);
    return;
  }
  if (!fresh && store.generation() > 0) return;
  Credentials credentials;
  if (!answer[0].is_none()) {
    const auto parts = answer[0].cast<py::tuple>();
    credentials.access_key = parts[0].cast<std::string>();
    credentials.secret_key = parts[1].cast<std::string>();
    credentials.session_token = parts[2].cast<std::string>();
    credentials.ends_at_s = static_cast<int64_t>(parts[3].cast<double>());
  }
  store.Set(std::move(credentials));
}

void PyClient::PassOnWarnings() const {
  for (const std::string& warning :
       {std::string(client()->transport->TakeWarning()), client()->TakeWarning()}) {
    if (warning.empty()) continue;
    const py::object text =
        py::module_::import("objectpipes._redact").attr("redact")(TextOf(warning));
    py::module_::import("logging").attr("getLogger")("objectpipes").attr("warning")("%s", text);
  }
}

void PyClient::WaitFor(const std::function<bool(int64_t)>& attempt,
                       const std::function<void()>& check) {
  RefreshCredentials();
  while (true) {
    bool done = false;
    {
      const py::gil_scoped_release release;
      done = attempt(kSliceMs);
      // The interpreter is ending. A thread that asks for the GIL now would be ended inside of C++
      // frames, which would abort the process.
      while (engine_->loop()->stopped_by_another_thread()) {
        std::this_thread::sleep_for(std::chrono::hours(1));
      }
    }
    PassOnWarnings();
    if (done) return;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    check();
    if (engine_->loop()->stopped()) {
      throw std::runtime_error("the interpreter is shutting down: nothing can be read any more");
    }
    RefreshCredentials();
  }
}

void BindClient(py::module_& module) {
  // NOLINTNEXTLINE(bugprone-unused-raii): Python keeps the class.
  py::class_<PyClient, std::shared_ptr<PyClient>>(module, "Client");
  module.def("ais_client", &MakeAisClient, py::arg("options"), py::arg("credentials"));
  module.def("bypasses_proxy", &Bypasses, py::arg("no_proxy"), py::arg("origin"));
}

}  // namespace objectpipes

// The extension module objectpipes._ext. Python sees only what is bound here.
#include <pybind11/pybind11.h>

#include "ais/url.h"
#include "engine/engine.h"
#include "python/bindings.h"
#include "python/failure.h"
#include "python/text.h"
#if OBJECTPIPES_USE_SYSTEM_AWS_SDK_CPP
#include "s3/aws/sdk_threads.h"
#endif

namespace py = pybind11;

namespace objectpipes {
namespace {

py::dict StatsOfThisProcess() {
  Engine* const engine = Engine::OfThisProcess();
  const Stats& stats = *engine->stats();
  py::dict result;
  result["objects"] = stats.objects.load();
  result["bytes"] = stats.bytes.load();
  result["requests"] = stats.requests.load();
  result["retries"] = stats.retries.load();
  result["throttled"] = stats.throttled.load();
  result["timeouts"] = stats.timeouts.load();
  result["verified"] = stats.verified.load();
  result["integrity_failures"] = stats.integrity_failures.load();
  result["restarts"] = stats.restarts.load();
  result["in_flight"] = stats.in_flight.load();
  result["held_bytes"] = engine->budget()->used();
  return result;
}

// Requests in flight never finish. For the end of the interpreter.
void ShutDown() {
  Engine::ShutDown();
#if OBJECTPIPES_USE_SYSTEM_AWS_SDK_CPP
  CloseSdk();
#endif
}

py::tuple ParseAis(const py::object& url) {
  const Result<ais::Url> parsed = ais::ParseUrl(BytesOf(url));
  if (!parsed.ok()) Raise(parsed.status(), url);
  const auto& [object, root] = parsed.value();
  return py::make_tuple(TextOf(object.bucket), TextOf(object.key), TextOf(root));
}

// The protocol of each scheme. AIStore also reads s3:// URLs, as buckets of AWS behind a cluster.
py::dict Schemes() {
  py::dict protocols;
  protocols["s3"] = "s3";
  for (const ais::Provider& provider : ais::kProviders) {
    const py::str scheme(provider.scheme.data(), provider.scheme.size());
    if (!protocols.contains(scheme)) protocols[scheme] = "ais";
  }
  return protocols;
}

}  // namespace
}  // namespace objectpipes

PYBIND11_MODULE(_ext, module, py::mod_gil_not_used()) {
  using namespace objectpipes;
  BindClient(module);
  BindObjectReader(module);
  BindHandOver(module);
  BindWindow(module);
  BindListing(module);
  BindS3(module);
  BindTarReader(module);
  module.def("parse_ais_url", &ParseAis, py::arg("url"));
  module.def("schemes", &Schemes);
  module.def("stats", &StatsOfThisProcess);
  module.def("build_info", &BuildInfo);
  module.def("shut_down", &ShutDown, py::call_guard<py::gil_scoped_release>());
}

// Binds ReadWindow: takes URLs and gives readers.
#include <deque>
#include <iterator>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/fork_leaked.h"
#include "engine/read_window.h"
#include "python/bindings.h"
#include "python/failure.h"
#include "python/locked.h"
#include "python/object_reader.h"
#include "python/py_client.h"
#include "python/text.h"

namespace py = pybind11;

namespace objectpipes {
namespace {

class PyWindow {
 public:
  PyWindow(std::shared_ptr<PyClient> client, const ReadWindow::Options& options)
      : client_(std::move(client)),
        window_(ReadWindow::Open(client_->client(), client_->engine()->budget(), options)) {}

  ~PyWindow() { Close(); }
  PyWindow(const PyWindow&) = delete;
  PyWindow& operator=(const PyWindow&) = delete;

  size_t Room() const { return window()->Room(); }
  size_t Outstanding() const { return window()->outstanding(); }
  bool Starved() const { return window()->Starved(); }
  void Submit(const py::list& wanted);
  py::tuple Take(size_t max_count, bool wait, bool until_starved);
  py::object Open(const py::object& url);
  void Close();

 private:
  // Throws in another process and after Close().
  std::shared_ptr<ReadWindow> window() const {
    client_->client();
    if (!window_) throw py::value_error("the window is closed");
    return window_.get();
  }
  Listed ListedOf(py::handle url) const;
  void Receive(size_t max_count, bool wait, bool until_starved);
  static py::object UrlOf(py::handle item) {
    return PyTuple_Check(item.ptr()) ? py::object(item[py::int_(0)])
                                     : py::reinterpret_borrow<py::object>(item);
  }
  py::object Answered(uint64_t sequence);

  const std::shared_ptr<PyClient> client_;
  ForkLeaked<ReadWindow> window_;
  std::deque<py::object> wanted_;  // the requests from first_ on; null once answered
  uint64_t first_ = 0;
  std::deque<ReadResult> results_;
  const py::str size_ = Interned("size");
  const py::str checksum_ = Interned("checksum");
  const py::str version_ = Interned("version");
  const py::str targets_ = Interned("targets");
  const py::str etag_ = Interned("etag");
};

// The attributes of an ObjectUrl; empty for any other URL.
Listed PyWindow::ListedOf(py::handle url) const {
  Listed listed;
  if (PyUnicode_CheckExact(url.ptr()) || PyBytes_Check(url.ptr())) return listed;
  const auto attribute = [url](const py::str& name) {
    auto value = py::reinterpret_steal<py::object>(PyObject_GetAttr(url.ptr(), name.ptr()));
    if (!value) PyErr_Clear();
    return value;
  };
  const auto number = [&attribute](const py::str& name) {
    const auto value = attribute(name);
    if (!value || !PyLong_Check(value.ptr())) return int64_t{-1};
    int overflow = 0;
    const int64_t fitting = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
    return overflow == 0 ? fitting : -1;  // no listing gives such a number
  };
  const auto text = [&attribute](const py::str& name) {
    const auto value = attribute(name);
    return value && PyUnicode_Check(value.ptr()) ? BytesOf(value) : std::string();
  };
  listed.size = number(size_);
  listed.targets = number(targets_);
  listed.checksum = text(checksum_);
  listed.version = text(version_);
  listed.etag = text(etag_);
  return listed;
}

// Each is a URL, or a tuple (url, begin, end).
void PyWindow::Submit(const py::list& wanted) {
  const std::shared_ptr<ReadWindow> target = window();
  client_->RefreshCredentials();
  const Transport& transport = *client_->client()->transport;
  std::vector<ReadRequest> requests;
  requests.reserve(wanted.size());
  for (const py::handle item : wanted) {
    const py::object url = UrlOf(item);
    const Result<std::string> text = Utf8Of(url);
    Result<ObjectId> object =
        text.ok() ? transport.ParseUrl(text.value()) : Result<ObjectId>(text.status());
    int64_t size = -1;
    if (object.ok() && transport.reads_as_listed()) {
      object.value().listed = ListedOf(url);
      size = object.value().listed.size;
    }
    requests.push_back(ReadRequest{std::move(object), size});
    if (!PyTuple_Check(item.ptr())) continue;
    ReadRequest& ranged = requests.back();
    ranged.begin = item[py::int_(1)].cast<uint64_t>();
    ranged.end = item[py::int_(2)].cast<uint64_t>();
    if (ranged.begin >= ranged.end) throw py::value_error("a range must not be empty");
    ranged.size = static_cast<int64_t>(ranged.end - ranged.begin);
  }
  // No Python code runs from here on, so the numbers of the requests match those of wanted_.
  for (const py::handle item : wanted) {
    wanted_.push_back(py::reinterpret_borrow<py::object>(item));
  }
  target->Submit(std::move(requests));
}

py::object PyWindow::Answered(uint64_t sequence) {
  py::object item = std::move(wanted_[static_cast<size_t>(sequence - first_)]);
  while (!wanted_.empty() && !wanted_.front()) {
    wanted_.pop_front();
    ++first_;
  }
  return item;
}

void PyWindow::Receive(size_t max_count, bool wait, bool until_starved) {
  const std::shared_ptr<ReadWindow> source = window();
  std::vector<ReadResult> arrived;
  if (!source->Take(max_count, 0, &arrived) && wait) {
    const auto take = [&](int64_t max_wait_ms) {
      return source->Take(max_count, max_wait_ms, &arrived) || (until_starved && source->Starved());
    };
    client_->WaitFor(take, [this] { window(); });
    window();
  }
  std::move(arrived.begin(), arrived.end(), std::back_inserter(results_));
}

// ([(request, reader), ...], None) or ([... before the failure], the exception), in the order of
// delivery.
py::tuple PyWindow::Take(size_t max_count, bool wait, bool until_starved) {
  if (results_.empty()) Receive(max_count, wait, until_starved);
  py::list items;
  while (!results_.empty()) {
    ReadResult result = std::move(results_.front());
    results_.pop_front();
    const py::object item = Answered(result.sequence);
    const py::object url = UrlOf(item);
    if (!result.status.ok())
      return py::make_tuple(items, ExceptionOf(result.status, url, client_->endpoint()));
    auto reader = std::make_unique<ObjectReader>(client_, url, std::move(result));
    items.append(py::make_tuple(item, py::cast(std::move(reader))));
  }
  return py::make_tuple(items, py::none());
}

// Opens the only object of a window, for random access.
py::object PyWindow::Open(const py::object& url) {
  py::list urls;
  urls.append(url);
  Submit(urls);
  while (results_.empty()) Receive(1, true, false);
  ReadResult result = std::move(results_.front());
  results_.pop_front();
  Answered(result.sequence);
  if (!result.status.ok()) Raise(result.status, url);
  return py::cast(
      std::make_unique<ObjectReader>(client_, url, std::move(result), ObjectReader::View::kGather));
}

void PyWindow::Close() {
  const std::shared_ptr<ReadWindow> window = window_.Release();
  if (window == nullptr) return;
  window->Close();
  for (const ReadResult& result : results_) {
    if (result.stream) result.stream.get()->Close();
  }
  results_.clear();
}

}  // namespace

void BindWindow(const py::module_& module) {
  py::class_<PyWindow>(module, "ReadWindow")
      .def(py::init([](std::shared_ptr<PyClient> client, const py::object& given) {
             ReadWindow::Options options;
             options.ForEach([&](const char* name, auto* value) {
               *value = given.attr(name).cast<std::decay_t<decltype(*value)>>();
             });
             return std::make_unique<PyWindow>(std::move(client), options);
           }),
           py::arg("client"), py::arg("options"))
      .def("room", Locked(&PyWindow::Room))
      .def("outstanding", Locked(&PyWindow::Outstanding))
      .def("starved", Locked(&PyWindow::Starved))
      .def("submit", Locked(&PyWindow::Submit), py::arg("wanted"))
      .def("take", Locked(&PyWindow::Take), py::arg("max_count"), py::arg("wait"),
           py::arg("until_starved") = false)
      .def("open", Locked(&PyWindow::Open), py::arg("url"))
      .def("close", Locked(&PyWindow::Close));
}

}  // namespace objectpipes

// Binds Listing: pages of URLs with the facts that the listing gave.
#include <pybind11/stl.h>

#include <cmath>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "base/fork_leaked.h"
#include "engine/key_filter.h"
#include "engine/listing.h"
#include "python/bindings.h"
#include "python/failure.h"
#include "python/locked.h"
#include "python/py_client.h"
#include "python/text.h"

namespace py = pybind11;

namespace objectpipes {
namespace {

// Makes 400,000 objectpipes.url.ObjectUrl objects a second. Their own __new__ in Python would take
// longer than all other work for a listed key.
class UrlFactory {
 public:
  explicit UrlFactory(py::type url_type) : type_(std::move(url_type)) {}

  py::object Make(const std::string& url, const ListPage& page, const ListEntry& entry) const {
    const py::tuple arguments = py::make_tuple(TextOf(url));
    auto made = py::reinterpret_steal<py::object>(PyUnicode_Type.tp_new(
        reinterpret_cast<PyTypeObject*>(type_.ptr()), arguments.ptr(), nullptr));
    if (!made) throw py::error_already_set();
    const py::object none = py::none();
    const auto text = [&](ListEntry::Text piece) -> py::object {
      return piece.size == 0 ? none : py::object(TextOf(page.view(piece)));
    };
    Set(made, size_, entry.size < 0 ? none : py::object(py::int_(entry.size)));
    Set(made, etag_, text(entry.etag));
    Set(made, mtime_, std::isnan(entry.mtime) ? none : py::object(py::float_(entry.mtime)));
    Set(made, checksum_, text(entry.checksum));
    Set(made, version_, text(entry.version));
    Set(made, targets_, page.targets < 0 ? none : py::object(py::int_(page.targets)));
    return made;
  }

 private:
  static void Set(const py::object& target, const py::str& name, const py::object& value) {
    if (PyObject_SetAttr(target.ptr(), name.ptr(), value.ptr()) != 0) throw py::error_already_set();
  }
  const py::type type_;
  const py::str size_ = Interned("size");
  const py::str etag_ = Interned("etag");
  const py::str mtime_ = Interned("mtime");
  const py::str checksum_ = Interned("checksum");
  const py::str version_ = Interned("version");
  const py::str targets_ = Interned("targets");
};

class PyListing {
 public:
  PyListing(std::shared_ptr<PyClient> client, py::object url, ListRequest request,
            std::string url_prefix, py::type url_type, KeyFilter filter, int64_t timeout_ms)
      : client_(std::move(client)),
        url_(std::move(url)),
        url_prefix_(std::move(url_prefix)),
        factory_(std::move(url_type)),
        filter_(std::move(filter)) {
    const Status refused = client_->client()->transport->CheckBucket(request.bucket);
    if (!refused.ok()) Raise(refused, url_);
    client_->RefreshCredentials();
    listing_ =
        ForkLeaked<Listing>(Listing::Open(client_->client(), std::move(request), timeout_ms));
  }

  ~PyListing() { Close(); }
  PyListing(const PyListing&) = delete;
  PyListing& operator=(const PyListing&) = delete;

  // The URLs of the next page that pass the filter (perhaps none), or None at the end.
  py::object NextPage();

  void Close() {
    if (const auto listing = listing_.Release()) listing->Close();
  }

 private:
  const std::shared_ptr<PyClient> client_;
  const py::object url_;
  const std::string url_prefix_;  // "s3://bucket/"
  const UrlFactory factory_;
  const KeyFilter filter_;
  ForkLeaked<Listing> listing_;
};

py::object PyListing::NextPage() {
  client_->client();
  if (!listing_) return py::none();
  const std::shared_ptr<Listing> listing =
      listing_.get();  // another thread may call close() while this one waits
  ListPage page;
  Status failure;
  auto outcome = Listing::Outcome::kNotYet;
  client_->WaitFor(
      [&](int64_t max_wait_ms) {
        outcome = listing->Take(max_wait_ms, &page, &failure);
        return outcome != Listing::Outcome::kNotYet;
      },
      [] {});  // a closed listing ends
  if (outcome == Listing::Outcome::kFailed) Raise(failure, url_, client_->endpoint());
  if (outcome == Listing::Outcome::kEnd) return py::none();
  py::list urls;
  std::string url = url_prefix_;
  for (const ListEntry& entry : page.entries) {
    url.resize(url_prefix_.size());
    url.append(page.view(entry.key));
    if (filter_.Passes(url, entry)) urls.append(factory_.Make(url, page, entry));
  }
  return std::move(urls);
}

ListRequest RequestOf(const py::tuple& place, const py::object& filters) {
  ListRequest request;
  request.bucket = BytesOf(place[0]);
  request.prefix = BytesOf(place[1]);
  if (!filters.attr("recursive").cast<bool>()) {
    request.delimiter = BytesOf(filters.attr("delimiter"));
  }
  request.start_after = BytesOf(filters.attr("start_after"));
  request.archive_members = filters.attr("archive_members").cast<bool>();
  request.allow_partial = filters.attr("allow_partial").cast<bool>();
  return request;
}

KeyFilter FilterOf(const py::object& filters, const std::string& url_prefix) {
  KeyFilter filter;
  const auto set = [&filters](const char* name, auto* value) {
    const py::object given = filters.attr(name);
    if (!given.is_none()) *value = given.cast<std::decay_t<decltype(*value)>>();
  };
  set("masks", &filter.masks);
  set("min_size", &filter.min_size);
  set("max_size", &filter.max_size);
  set("modified_after", &filter.modified_after);
  const std::string start_after = BytesOf(filters.attr("start_after"));
  if (!start_after.empty()) filter.start_after = url_prefix + start_after;
  return filter;
}

}  // namespace

void BindListing(const py::module_& module) {
  py::class_<PyListing>(module, "Listing")
      .def(py::init([](std::shared_ptr<PyClient> client, py::object url, const py::tuple& place,
                       const py::object& filters, py::type url_type, int64_t timeout_ms) {
             return std::make_unique<PyListing>(
                 std::move(client), std::move(url), RequestOf(place, filters), BytesOf(place[2]),
                 std::move(url_type), FilterOf(filters, BytesOf(place[2])), timeout_ms);
           }),
           py::arg("client"), py::arg("url"), py::arg("place"), py::arg("filters"),
           py::arg("url_type"), py::arg("timeout_ms"))
      .def("next_page", Locked(&PyListing::NextPage))
      .def("close", Locked(&PyListing::Close));
}

}  // namespace objectpipes

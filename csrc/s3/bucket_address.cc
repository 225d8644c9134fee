#include "s3/bucket_address.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace objectpipes {
namespace {

constexpr std::string_view kArn = "arn:";
constexpr std::string_view kSeparators = ":/";  // between the parts of an ARN's resource

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool BeginsWith(std::string_view text, std::string_view begin) {
  return text.substr(0, begin.size()) == begin;
}

// Removes the front of `rest` up to and including one of the separators.
std::string_view TakePart(std::string_view* rest, std::string_view separators) {
  const size_t end = std::min(rest->find_first_of(separators), rest->size());
  const std::string_view part = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return part;
}

// arn:partition:service:region:account:accesspoint/name, or :outpost/id/accesspoint/name.
struct Arn {
  std::string_view service;
  std::string_view region;
  std::string_view account;
  std::string_view outpost;  // empty: none
  std::string_view access_point;
};

// Nothing if it is not the ARN of an access point.
std::optional<Arn> ParseArn(std::string_view text) {
  if (!BeginsWith(text, kArn)) return std::nullopt;
  text.remove_prefix(kArn.size());
  Arn arn;
  TakePart(&text, ":");  // the region tells the partition
  arn.service = TakePart(&text, ":");
  arn.region = TakePart(&text, ":");
  arn.account = TakePart(&text, ":");
  std::string_view type = TakePart(&text, kSeparators);
  if (type == "outpost") {
    arn.outpost = TakePart(&text, kSeparators);
    type = TakePart(&text, kSeparators);
  }
  arn.access_point = text;
  if (type != "accesspoint" || arn.access_point.empty()) return std::nullopt;
  return arn;
}

// "use1-az4" of "name--use1-az4--x-s3" (a directory bucket) or "...--xa-s3" (an access point of
// one); empty for any other name.
std::string_view ZoneOf(std::string_view bucket) {
  for (const std::string_view suffix : {"--x-s3", "--xa-s3"}) {
    if (!EndsWith(bucket, suffix)) continue;
    bucket.remove_suffix(suffix.size());
    const size_t dashes = bucket.rfind("--");
    return dashes == std::string_view::npos ? std::string_view() : bucket.substr(dashes + 2);
  }
  return {};
}

bool IsDirectoryName(std::string_view bucket) {
  return EndsWith(bucket, "--x-s3") || EndsWith(bucket, "--xa-s3");
}

// The region of a zone: "use1" is us-east-1, "apne1" ap-northeast-1, "usgw1" us-gov-west-1. Empty
// for a zone with another form of name.
std::string RegionOfZone(std::string_view zone) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kDirections = {{
      {"ne", "northeast"},
      {"nw", "northwest"},
      {"se", "southeast"},
      {"sw", "southwest"},
      {"n", "north"},
      {"s", "south"},
      {"e", "east"},
      {"w", "west"},
      {"c", "central"},
  }};
  zone = zone.substr(0, zone.find('-'));
  const size_t digit = zone.find_first_of("0123456789");
  if (digit == std::string_view::npos || digit < 3) return {};
  std::string region(zone.substr(0, 2));
  std::string_view direction = zone.substr(2, digit - 2);
  if (region == "us" && direction.size() > 1 && direction[0] == 'g') {
    region += "-gov";
    direction.remove_prefix(1);
  }
  for (const auto& [letters, word] : kDirections) {
    if (direction == letters) {
      return region.append("-").append(word).append("-").append(zone.substr(digit));
    }
  }
  return {};
}

// The domain of AWS's partition to which a region belongs.
std::string_view DomainOf(std::string_view region) {
  constexpr std::pair<std::string_view, std::string_view> kDomains[] = {
      {"cn-", "amazonaws.com.cn"},    {"eusc-", "amazonaws.eu"},
      {"us-iso-", "c2s.ic.gov"},      {"us-isob-", "sc2s.sgov.gov"},
      {"eu-isoe-", "cloud.adc-e.uk"}, {"us-isof-", "csp.hci.ic.gov"},
      {"eu-isof-", "csp.hci.ic.gov"},
  };
  for (const auto& [prefix, domain] : kDomains) {
    if (BeginsWith(region, prefix)) return domain;
  }
  return "amazonaws.com";
}

// Whether it is AWS's endpoint for all buckets of a region, or the one for accelerated transfer.
bool IsAws(const Endpoint& endpoint, std::string_view region) {
  const std::string_view host = endpoint.host;
  const std::string_view label = host.substr(0, host.find('.'));
  const std::string_view domain = DomainOf(region);
  const bool in_domain = EndsWith(host, domain) && host.size() > domain.size() &&
                         host[host.size() - domain.size() - 1] == '.';
  return in_domain && (label == "s3" || BeginsWith(label, "s3-")) && endpoint.base_path.empty();
}

struct Variant {
  bool fips;
  bool dual_stack;
};

Variant VariantOf(const Endpoint& endpoint) {
  const std::string_view host = endpoint.host;
  return {BeginsWith(host, "s3-fips."), host.find(".dualstack.") != std::string_view::npos};
}

// At AWS the host is `aws_host` and the domain. At any other endpoint such a bucket is addressed
// like all others there, as a subdomain.
void SetHost(const std::string& aws_host, const std::string& endpoint_region,
             BucketAddress* address) {
  Endpoint& endpoint = address->endpoint;
  if (!IsIpAddress(endpoint.host)) endpoint.addressing = Addressing::kVirtual;
  if (!IsAws(endpoint, endpoint_region)) return;
  endpoint.host = aws_host + "." + address->region;
  endpoint.host.append(".").append(DomainOf(address->region));
}

BucketAddress AccessPoint(const Arn& arn, const Endpoint& endpoint, const std::string& region) {
  const Variant variant = VariantOf(endpoint);
  BucketAddress address{endpoint, std::string(arn.access_point), std::string(arn.region),
                        std::string(arn.service)};
  address.name.append("-").append(arn.account);
  std::string host = arn.outpost.empty() ? "" : std::string(arn.outpost) + ".";
  host.append(arn.service == "s3" ? "s3-accesspoint" : arn.service);
  if (variant.fips) host.append("-fips");
  if (variant.dual_stack) host.append(".dualstack");
  SetHost(host, region, &address);
  return address;
}

BucketAddress Directory(std::string_view bucket, const Endpoint& endpoint,
                        const std::string& region) {
  const std::string_view zone = ZoneOf(bucket);
  BucketAddress address{endpoint, std::string(bucket), RegionOfZone(zone), "s3express", true};
  if (address.region.empty()) address.region = region;
  const Variant variant = VariantOf(endpoint);
  std::string host = variant.fips ? "s3express-fips-" : "s3express-";
  host.append(zone);
  if (variant.dual_stack) host.append(".dualstack");
  SetHost(host, region, &address);
  return address;
}

Status NotSupported(std::string_view bucket, const char* why) {
  return Status(StatusCode::kNotSupported, std::string(why) + ": " + std::string(bucket));
}

Status CheckArn(std::string_view bucket) {
  const std::optional<Arn> arn = ParseArn(bucket);
  if (!arn.has_value()) {
    return Status::InvalidArgument("The ARN does not name an access point: " + std::string(bucket));
  }
  if (arn->region.empty()) {
    return NotSupported(bucket,
                        "A multi-region access point needs SigV4A signatures, which only"
                        " transport=\"aws\" makes");
  }
  const bool known = arn->service == "s3" || arn->service == "s3-object-lambda" ||
                     (arn->service == "s3-outposts" && !arn->outpost.empty());
  if (!known) {
    return NotSupported(bucket, "The ARN names a service that objectpipes does not support");
  }
  const bool valid = IsDnsLabel(std::string(arn->access_point).append("-").append(arn->account)) &&
                     !arn->account.empty() && IsDnsLabel(arn->region) &&
                     (arn->outpost.empty() || IsDnsLabel(arn->outpost));
  if (!valid) return Status::InvalidArgument("The ARN is malformed: " + std::string(bucket));
  return Status::Ok();
}

}  // namespace

Status CheckBucket(std::string_view bucket) {
  if (BeginsWith(bucket, kArn)) return CheckArn(bucket);
  if (EndsWith(bucket, ".mrap")) {
    return NotSupported(bucket, "Use the ARN of a multi-region access point, not its alias");
  }
  if (EndsWith(bucket, "--op-s3")) {
    return NotSupported(bucket,
                        "Aliases of Outposts access points are not supported: use the ARN of the"
                        " access point");
  }
  if (IsDirectoryName(bucket) && (ZoneOf(bucket).empty() || !IsDnsLabel(bucket))) {
    return Status::InvalidArgument(
        "The name of a directory bucket has the form name--zone--x-s3, in lower case: " +
        std::string(bucket));
  }
  return Status::Ok();
}

BucketAddress AddressOf(std::string_view bucket, const Endpoint& endpoint,
                        const std::string& region) {
  if (const std::optional<Arn> arn = ParseArn(bucket)) return AccessPoint(*arn, endpoint, region);
  if (IsDirectoryName(bucket)) return Directory(bucket, endpoint, region);
  return {endpoint, std::string(bucket), region, "s3"};
}

size_t ArnLength(std::string_view url) {
  if (!BeginsWith(url, kArn)) return 0;
  std::string_view rest = url;
  for (int i = 0; i < 5; ++i) TakePart(&rest, ":");
  std::string_view type = TakePart(&rest, kSeparators);
  if (type == "outpost") {
    TakePart(&rest, kSeparators);
    type = TakePart(&rest, kSeparators);
  }
  if (type != "accesspoint" || rest.empty() || rest.front() == '/') return std::string_view::npos;
  return url.size() - rest.size() + std::min(rest.find('/'), rest.size());
}

}  // namespace objectpipes

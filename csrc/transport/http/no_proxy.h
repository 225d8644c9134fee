// The hosts that bypass the proxy, by curl's rules for NO_PROXY.
#pragma once

#include <string_view>

#include "net/remote_host.h"

namespace objectpipes {

// Whether `no_proxy` names the host. Its entries are separated by commas or spaces. "*" means every
// host. A name means that host and all hosts below it, with or without a leading dot. An address
// means itself (IPv6 with or without brackets), and address/bits a network. An entry with ":port",
// which curl does not have, means only that port.
bool BypassesProxy(std::string_view no_proxy, const RemoteHost& host);

}  // namespace objectpipes

// The work of a thread inside the SDK: makes one request and puts the reply into a pipe.
#pragma once

#include <aws/s3/S3Client.h>

#include <memory>
#include <string>

#include "s3/aws/reply_pipe.h"
#include "s3/aws/requests.h"
#include "s3/list_page.h"
#include "transport/transport.h"

namespace objectpipes {

struct JobContext {
  std::shared_ptr<Aws::S3::S3Client> client;
  std::string region;  // the client's
  RequestOptions options;
};

void RunGet(const JobContext& context, const GetRequest& request, ReplyPipe* pipe);
// Puts the body of the page into the pipe as data, without a head.
void RunList(const JobContext& context, const ListRequest& request, ListVersion version,
             ReplyPipe* pipe);

}  // namespace objectpipes

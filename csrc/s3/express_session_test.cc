#include "s3/express_session.h"

#include <gtest/gtest.h>

#include <string>

namespace objectpipes {
namespace {

std::string Reply(const std::string& token, const std::string& expiration) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CreateSessionResult "
         "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Credentials><SessionToken>" +
         token + "</SessionToken><SecretAccessKey>s/k</SecretAccessKey><AccessKeyId>AKS" +
         "</AccessKeyId><Expiration>" + expiration +
         "</Expiration></Credentials></CreateSessionResult>";
}

TEST(ParseExpressSession, ReadsKeysAndTheirEnd) {
  const ExpressSession session = ParseExpressSession(Reply("t=", "2013-05-24T00:05:00Z")).value();
  EXPECT_EQ(session.credentials.access_key, "AKS");
  EXPECT_EQ(session.credentials.secret_key, "s/k");
  EXPECT_EQ(session.credentials.session_token, "t=");
  EXPECT_EQ(session.expires, 1369353900);
}

// What is in it becomes part of a request's head.
TEST(ParseExpressSession, RefusesWhatCannotBeSent) {
  for (const std::string& body :
       {std::string(), std::string("<CreateSessionResult/>"), std::string("{}"),
        Reply("", "2013-05-24T00:05:00Z"), Reply("t", ""), Reply("t", "soon"),
        Reply("a\r\nb: c", "2013-05-24T00:05:00Z"), Reply("a&#10;b", "2013-05-24T00:05:00Z"),
        Reply("\xC3\xA4", "2013-05-24T00:05:00Z")}) {
    EXPECT_EQ(ParseExpressSession(body).status().code(), StatusCode::kProtocol) << body;
  }
}

}  // namespace
}  // namespace objectpipes

#include "myra/metrics/http_request.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using myra::metrics::end_of_head;
using myra::metrics::http_status;
using myra::metrics::judge;
using myra::metrics::text_format;

http_status status_of(std::string_view head) { return judge(head).status; }
text_format format_for(const std::string& headers) {
  return judge("GET /metrics HTTP/1.1\r\n" + headers + "\r\n").format;
}

TEST(HttpRequest, FindsTheEndOfAHead) {
  EXPECT_EQ(end_of_head("GET / HTTP/1.1\r\n\r\n", 0), 18U);
  EXPECT_EQ(end_of_head("GET / HTTP/1.1\r\nA: b\r\n\r\nmore", 0), 24U);
  EXPECT_EQ(end_of_head("GET / HTTP/1.1\n\n", 0), 16U);
  EXPECT_EQ(end_of_head("GET / HTTP/1.1\r\nA: b\r\n", 0), 0U);
  EXPECT_EQ(end_of_head("", 0), 0U);
}

TEST(HttpRequest, FindsTheEndWhereverTheHeadIsCut) {
  const std::string head = "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n";
  for (std::size_t cut = 0; cut < head.size(); ++cut) {
    ASSERT_EQ(end_of_head(std::string_view(head).substr(0, cut), 0), 0U) << cut;
    ASSERT_EQ(end_of_head(head, cut), head.size()) << cut;
  }
}

TEST(HttpRequest, MetricsIsThere) {
  EXPECT_EQ(status_of("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), http_status::ok);
  EXPECT_EQ(status_of("GET /metrics HTTP/1.0\r\n\r\n"), http_status::ok);
  EXPECT_EQ(status_of("GET /metrics HTTP/1.0\n\n"), http_status::ok);
  EXPECT_EQ(status_of("GET /metrics?name=x HTTP/1.1\r\n\r\n"), http_status::ok);
  EXPECT_EQ(status_of("GET http://here:9100/metrics HTTP/1.1\r\n\r\n"), http_status::ok);
  EXPECT_FALSE(judge("GET /metrics HTTP/1.1\r\n\r\n").head_only);
}

TEST(HttpRequest, HeadIsAnsweredWithoutABody) {
  const auto verdict = judge("HEAD /metrics HTTP/1.1\r\n\r\n");
  EXPECT_EQ(verdict.status, http_status::ok);
  EXPECT_TRUE(verdict.head_only);
  EXPECT_TRUE(judge("HEAD / HTTP/1.1\r\n\r\n").head_only);
}

TEST(HttpRequest, OtherPathsAreNotFound) {
  for (const char* target : {"/", "/metrics/", "/metric", "/METRICS", "//metrics", "http://here"})
    EXPECT_EQ(status_of("GET " + std::string(target) + " HTTP/1.1\r\n\r\n"), http_status::not_found)
        << target;
}

TEST(HttpRequest, OtherMethodsAreNotAllowed) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get", "X"})
    EXPECT_EQ(status_of(std::string(method) + " /metrics HTTP/1.1\r\n\r\n"),
              http_status::method_not_allowed)
        << method;
}

TEST(HttpRequest, WhatIsNoRequestIsBad) {
  for (const char* line :
       {"", "GET", "GET /metrics", "GET  /metrics HTTP/1.1", "GET /metrics HTTP/1.1 ",
        "GET /metrics HTTP/2.0", "GET /metrics http/1.1", "GET metrics HTTP/1.1", "GET * HTTP/1.1",
        "G(T /metrics HTTP/1.1", " /metrics HTTP/1.1", "GET /met\trics HTTP/1.1",
        "GET /\x80 HTTP/1.1", "*3"})
    EXPECT_EQ(status_of(std::string(line) + "\r\n\r\n"), http_status::bad_request) << line;
}

TEST(HttpRequest, AHeaderThatIsNoneIsBad) {
  for (const char* header : {"no colon", ": empty", "two words: x", " folded: x"})
    EXPECT_EQ(status_of("GET /metrics HTTP/1.1\r\n" + std::string(header) + "\r\n\r\n"),
              http_status::bad_request)
        << header;
}

TEST(HttpRequest, TheFormatFollowsWhatIsAccepted) {
  EXPECT_EQ(format_for(""), text_format::open_metrics);
  EXPECT_EQ(format_for("Accept: */*\r\n"), text_format::open_metrics);
  EXPECT_EQ(format_for("Accept: text/plain\r\n"), text_format::plain);
  EXPECT_EQ(format_for("ACCEPT:text/Plain;version=0.0.4\r\n"), text_format::plain);
  EXPECT_EQ(format_for("Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n"),
            text_format::open_metrics);
  EXPECT_EQ(format_for("Accept: text/plain\r\nAccept: application/openmetrics-text\r\n"),
            text_format::open_metrics);
  EXPECT_EQ(format_for("X-Accept: text/plain\r\n"), text_format::open_metrics);
}

}  // namespace

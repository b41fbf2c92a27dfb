// Deadlines of chains, by the loop and in the kernel.
#include "myra/reactor/chain_fixture_test.hpp"

namespace myra::chain_cases {
namespace {

struct chain_deadlines : chains {};

TEST_P(chain_deadlines, a_deadline_at_each_step) {
  for (const auto kind : {deadline_kind::timer, deadline_kind::linked})
    for (std::size_t waiting = 0; waiting < 3; ++waiting) {
      reports = 0;
      told.clear();
      operation_chain chain(on().internals());
      results expected(3, -ECANCELED);
      for (std::size_t i = 0; i < 3; ++i) {
        if (i < waiting) expected[i] = 1;
        i == waiting ? chain.receive(ours) : chain.send(ours, as_bytes(letters).first(1));
      }
      expected[waiting] = -ETIME;
      const time_point began = clock::now();
      EXPECT_EQ(run(chain.with_deadline(20ms, kind)), expected);
      EXPECT_GE(clock::now() - began, 20ms);
      EXPECT_EQ(read_theirs().size(), waiting);
    }
}

TEST_P(chain_deadlines, a_deadline_still_lets_hard_links_run) {
  for (const auto kind : {deadline_kind::timer, deadline_kind::linked}) {
    reports = 0;
    told.clear();
    operation_chain chain(on().internals());
    chain.receive(ours).whatever_happens().send(ours, as_bytes("bye")).with_deadline(10ms, kind);
    EXPECT_EQ(run(chain), (results{-ETIME, 3}));
    EXPECT_EQ(read_theirs(), "bye");
  }
}

TEST_P(chain_deadlines, a_send_that_the_deadline_cuts_short_says_how_much_went) {
  const std::string large(4'000'000, 'x');
  for (const auto kind : {deadline_kind::timer, deadline_kind::linked}) {
    reports = 0;
    told.clear();
    operation_chain chain(on().internals());
    chain.send(ours, as_bytes(large)).send(ours, as_bytes("never")).with_deadline(20ms, kind);
    const results ended = run(chain);
    EXPECT_EQ(ended[1], -ECANCELED);
    EXPECT_LT(ended[0], static_cast<std::int32_t>(large.size()));
    // The first fills the socket; the second finds it full.
    if (kind == deadline_kind::timer) {
      EXPECT_GT(ended[0], 0);
    } else {
      EXPECT_EQ(ended[0], -ETIME);
    }
  }
}

TEST_P(chain_deadlines, a_deadline_that_is_met_leaves_nothing_behind) {
  for (const auto kind : {deadline_kind::timer, deadline_kind::linked}) {
    reports = 0;
    told.clear();
    operation_chain chain(on().internals());
    sends(chain, 3, 3);
    EXPECT_EQ(run(chain.with_deadline(10s, kind)), (results{1, 1, 1}));
    EXPECT_EQ(on().next_deadline(), never);
  }
}

INSTANTIATE_TEST_SUITE_P(reactor, chain_deadlines, testing::ValuesIn(engines), name_of);

}  // namespace
}  // namespace myra::chain_cases

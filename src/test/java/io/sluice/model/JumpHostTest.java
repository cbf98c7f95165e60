package io.sluice.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JumpHostTest {
  @Test
  void anItemIsUserHostPortAndKey() {
    JumpHost hop = JumpHost.parse("ops@team@edge.example:2222 SHA256:abc").orElseThrow();

    assertThat(hop.username()).isEqualTo("ops@team");
    assertThat(hop.host().text()).isEqualTo("edge.example");
    assertThat(hop.port()).isEqualTo(2222);
    assertThat(hop.hostKey()).isEqualTo("SHA256:abc");
    assertThat(JumpHost.parse("[::1]").orElseThrow().port()).isEqualTo(22);
  }

  /** What stands in an item is shown to everybody who may read the data source. */
  @ParameterizedTest
  @ValueSource(strings = {"ops:password@edge.example", "ops:@edge.example:22", ":x@edge.example"})
  void aPasswordInAnItemIsRefused(String item) {
    assertThat(JumpHost.parse(item)).isEmpty();
  }
}

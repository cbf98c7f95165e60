package io.sluice.decode;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/**
 * The decoders under a coverage-guided fuzzer, one at a time for as long as there is patience:
 *
 * <pre>JAZZER_FUZZ=1 mvn test -Dtest=DecoderFuzz#json -Djazzer.max_duration=10m</pre>
 *
 * <p>What it finds is written beside the seeds in {@code src/test/resources}, and {@link
 * DecoderSeedsTest} runs those with the other tests. Its name keeps this class out of them: the
 * fuzzer attaches an agent to the JVM, and all tests share one.
 */
class DecoderFuzz {
  private static Decoded decoded;

  @BeforeAll
  static void start() throws Exception {
    decoded = new Decoded();
  }

  @AfterAll
  static void stop() {
    decoded.close();
  }

  @FuzzTest
  void json(byte[] body) {
    decoded.json(body);
  }

  @FuzzTest
  void xml(byte[] body) {
    decoded.xml(body);
  }

  @FuzzTest
  void form(byte[] body) {
    decoded.form(body);
  }

  @FuzzTest
  void event(byte[] value) {
    decoded.event(value);
  }

  @FuzzTest
  void config(byte[] body) {
    decoded.config(body);
  }
}

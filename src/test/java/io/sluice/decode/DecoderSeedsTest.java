package io.sluice.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The seeds of {@link DecoderFuzz} and all that it ever found. */
class DecoderSeedsTest {
  private static final Path SEEDS =
      Path.of("src", "test", "resources", "io", "sluice", "decode", "DecoderFuzzInputs");

  private static Decoded decoded;

  @BeforeAll
  static void start() throws Exception {
    decoded = new Decoded();
  }

  @AfterAll
  static void stop() {
    decoded.close();
  }

  static Stream<Path> seeds() throws IOException {
    try (Stream<Path> all = Files.walk(SEEDS)) {
      return all.filter(Files::isRegularFile).sorted().toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void eachIsRefusedOrReadsTheSameWhenItIsWrittenAgain(Path seed) {
    Map<String, Consumer<byte[]>> decoders =
        Map.of(
            "json", decoded::json,
            "xml", decoded::xml,
            "form", decoded::form,
            "event", decoded::event,
            "config", decoded::config);
    try {
      decoders.get(seed.getParent().getFileName().toString()).accept(Files.readAllBytes(seed));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void everyDecoderHasSeeds() throws IOException {
    List<String> decoders =
        seeds().map(seed -> seed.getParent().getFileName().toString()).distinct().toList();
    assertThat(decoders).containsExactlyInAnyOrder("config", "event", "form", "json", "xml");
  }
}

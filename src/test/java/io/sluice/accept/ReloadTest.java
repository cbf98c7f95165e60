package io.sluice.accept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.servers.SluiceProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The running development server takes over a route file that is saved. */
class ReloadTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static SluiceProcess sluice;
  private static Api api;

  @BeforeAll
  static void start() {
    // A process of its own: a route that is broken here breaks nobody else's test.
    sluice = SluiceProcess.setup().start();
    api = new Api(sluice);
  }

  @AfterAll
  static void stop() {
    sluice.close();
  }

  private static String edit(Path file, String what, String by) {
    try {
      String before = Files.readString(file);
      assertThat(before).contains(what);
      Files.writeString(file, before.replace(what, by));
      return before;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int status(String method, String path) {
    return api.request(method, path).admin().send().status();
  }

  private static void worksAsBefore() {
    SluiceProcess.Target target = sluice.target();
    ObjectNode works =
        Api.object(
            Map.of(
                "driver",
                "postgresql",
                "host",
                target.host(),
                "port",
                target.port(),
                "database",
                target.database(),
                "username",
                target.user(),
                "password",
                target.password()));
    await()
        .atMost(LIMIT)
        .untilAsserted(
            () -> {
              assertThat(status("GET", "/datasources/demo")).isEqualTo(200);
              assertThat(status("GET", "/datasources")).isEqualTo(200);
              assertThat(status("GET", "/nothing")).isEqualTo(404);
              assertThat(api.put("demo", works).status()).isEqualTo(200);
            });
  }

  @Test
  void aChangeOfAnOperationTakesEffectAndGoesAgain() {
    Path file = sluice.routes().resolve("10-accept-http.camel.yaml");
    assertThat(status("GET", "/drivers")).isEqualTo(200);

    String before =
        edit(
            file,
            "      uri: direct:listDrivers\n      steps:\n",
            "      uri: direct:listDrivers\n      steps:\n        - stop: {}\n");
    await().atMost(LIMIT).untilAsserted(() -> assertThat(status("GET", "/drivers")).isEqualTo(500));
    assertThat(status("GET", "/datasources/demo")).isEqualTo(200);

    write(file, before);
    await().atMost(LIMIT).untilAsserted(() -> assertThat(status("GET", "/drivers")).isEqualTo(200));
    worksAsBefore();
  }

  @Test
  void aChangeOfAStageTakesEffectForTheRunningServer() {
    Path file = sluice.routes().resolve("50-store.camel.yaml");
    String before = edit(file, "      steps:\n", "      steps:\n        - stop: {}\n");
    await()
        .atMost(LIMIT)
        .untilAsserted(() -> assertThat(status("GET", "/datasources/demo")).isEqualTo(500));

    write(file, before);
    worksAsBefore();
  }

  static Stream<Path> files() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("routes"))) {
      List<Path> sorted = all.map(Path::getFileName).sorted().toList();
      assertThat(sorted).isNotEmpty();
      return sorted.stream();
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void savingAFileBreaksNothing(Path name) throws IOException {
    Path file = sluice.routes().resolve(name);
    long reloads = reloads();
    write(file, Files.readString(file) + "\n# Saved.\n");
    if (Files.readString(file).contains("- route:")) {
      await().atMost(LIMIT).until(() -> reloads() > reloads);
    }
    worksAsBefore();
    assertThat(sluice.logged().lines().filter(line -> line.contains("eload")))
        .noneMatch(line -> line.contains("level=ERROR"));
  }

  private static long reloads() {
    return sluice.logged().lines().filter(line -> line.contains("Routes reloaded summary")).count();
  }
}

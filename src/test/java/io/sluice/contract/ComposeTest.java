package io.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The packaging, as far as it can be judged without a container engine: it is read, not run. */
final class ComposeTest {
  private static final Pattern ENVIRONMENT = Pattern.compile("\\{\\{env:([A-Z_]+)(?::([^}]*))?}}");
  private static final Pattern VERSIONED = Pattern.compile("[a-z0-9./-]+:\\d+\\.[A-Za-z0-9._-]+");
  private static final Pattern FROM = Pattern.compile("^FROM (\\S+)");

  /** Not settings: which profile runs, and what the JVM itself reads. */
  private static final Set<String> BESIDE_SETTINGS = Set.of("APP_PROFILE", "JAVA_TOOL_OPTIONS");

  private final JsonNode compose = ContractFile.read(Path.of("docker-compose.yml"));
  private final JsonNode services = compose.path("services");

  @Test
  void sluiceIsGivenOnlySettingsThatExist() throws IOException {
    Set<String> known = new HashSet<>(BESIDE_SETTINGS);
    SettingsFile.read()
        .forEach(
            (key, value) -> {
              known.add(key.toUpperCase(Locale.ROOT).replaceAll("[.-]", "_"));
              ENVIRONMENT.matcher(value).results().forEach(found -> known.add(found.group(1)));
            });
    assertThat(known).containsAll(environment("sluice").keySet());
  }

  @Test
  void sluiceIsGivenWhatProductionRequires() {
    assertThat(environment("sluice"))
        .containsKeys(
            "STORE_URL",
            "STORE_USER",
            "STORE_PASSWORD",
            "KAFKA_BROKERS",
            "SLUICE_KEYSET",
            "SLUICE_TOKEN");
    assertThat(environment("sluice").getOrDefault("APP_PROFILE", "prod")).isEqualTo("prod");
  }

  /** A file that is mounted by itself is still the old one after a rotation has replaced it. */
  @Test
  void sluiceSeesARotatedKeyset() {
    Path keyset = Path.of(environment("sluice").get("SLUICE_KEYSET"));
    assertThat(services.at("/sluice/volumes"))
        .filteredOn(volume -> volume.path("target").asText().equals(keyset.getParent().toString()))
        .singleElement()
        .satisfies(
            volume -> {
              assertThat(volume.path("type").asText()).isEqualTo("bind");
              assertThat(volume.path("source").asText()).startsWith("${").contains(":?");
              assertThat(volume.path("read_only").asBoolean()).isTrue();
            });
  }

  @Test
  void thePublishedPortIsTheOneSluiceListensOn() throws IOException {
    Matcher http = ENVIRONMENT.matcher(SettingsFile.read().get("sluice.http.port"));
    assertThat(http.matches()).isTrue();
    assertThat(ContractFile.texts(services.at("/sluice/ports")))
        .singleElement()
        .asString()
        .startsWith("127.0.0.1:")
        .endsWith(":" + http.group(2));
  }

  @Test
  void everyImageNamesAVersion() throws IOException {
    List<String> images = new ArrayList<>();
    services.forEach(service -> images.add(service.path("image").asText()));
    for (Path dockerfile : dockerfiles()) {
      Files.readAllLines(dockerfile).stream()
          .map(FROM::matcher)
          .filter(Matcher::find)
          .forEach(line -> images.add(line.group(1)));
    }
    assertThat(images).hasSizeGreaterThan(services.size());
    assertThat(images).allMatch(image -> VERSIONED.matcher(image).matches());
  }

  @Test
  void noPasswordOrTokenIsBakedIn() {
    services
        .properties()
        .forEach(
            service ->
                environment(service.getKey())
                    .forEach(
                        (name, value) -> {
                          if (name.matches(".*(PASSWORD|TOKEN).*") && !name.contains("RANDOM")) {
                            assertThat(value).as(service.getKey() + " " + name).startsWith("${");
                            assertThat(value).as(service.getKey() + " " + name).contains(":?");
                          }
                        }));
    compose
        .path("secrets")
        .forEach(
            secret -> assertThat(secret.path("file").asText()).startsWith("${").contains(":?"));
  }

  @Test
  void everyServiceSaysWhenItIsWell() {
    assertThat(services).allSatisfy(service -> assertThat(service.has("healthcheck")).isTrue());
  }

  @Test
  void theSampleBehindTheBastionIsReachedThroughItAlone() {
    assertThat(networks("ledger-db")).doesNotContainAnyElementsOf(networks("sluice"));
    assertThat(networks("ledger-db")).containsAnyElementsOf(networks("bastion"));
    assertThat(networks("bastion")).containsAnyElementsOf(networks("sluice"));
    assertThat(networks("store")).doesNotContainAnyElementsOf(networks("bastion"));
  }

  @Test
  void sluiceRunsAsAnOrdinaryUserOnAReadOnlyFileSystem() throws IOException {
    assertThat(Files.readAllLines(Path.of(".docker", "Dockerfile"))).contains("USER 10001:10001");
    assertThat(services.at("/sluice/read_only").asBoolean()).isTrue();
    assertThat(services.at("/sluice/privileged").asBoolean()).isFalse();
    assertThat(ContractFile.texts(services.at("/sluice/cap_drop"))).containsExactly("ALL");
  }

  private Map<String, String> environment(String service) {
    return services.at("/" + service + "/environment").properties().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().asText()));
  }

  private List<String> networks(String service) {
    return ContractFile.texts(services.at("/" + service + "/networks"));
  }

  private static List<Path> dockerfiles() throws IOException {
    try (Stream<Path> files = Files.walk(Path.of(".docker"))) {
      return files.filter(file -> file.endsWith("Dockerfile")).toList();
    }
  }
}

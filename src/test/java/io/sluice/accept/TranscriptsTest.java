package io.sluice.accept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.servers.SluiceProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/**
 * The page of transcripts is what a shell shows: each of its commands is run against a process, and
 * the page has to be what came of it. With {@code -Dsluice.regenerate=true} the test writes it
 * anew.
 */
class TranscriptsTest {
  private static final Path PAGE = Path.of("src", "site", "markdown", "transcripts.md");
  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final Api API = new Api(SLUICE);

  /** The headers that a reader of a transcript is shown. */
  private static final Set<String> HEADERS =
      Set.of(
          "content-type",
          "content-security-policy",
          "etag",
          "location",
          "link",
          "allow",
          "retry-after",
          "preference-applied",
          "idempotent-replayed");

  private static final Pattern HEADER = Pattern.compile("(?i)([a-z-]+): (.*)");

  private final Map<String, String> variables = new LinkedHashMap<>();
  private final StringBuilder page = new StringBuilder();

  private TranscriptsTest() {}

  private void title(String title) {
    page.append("## ").append(title).append("\n\n");
  }

  private void text(String text) {
    page.append(text).append("\n\n");
  }

  /**
   * Runs a command and writes it down with its answer.
   *
   * @param shown the members of the answer that are shown; others are left out. None: all of them
   */
  private Answered run(String command, String... shown) {
    Answered answered = Answered.of(shell(command));
    page.append("```console\n$ ").append(command).append('\n');
    page.append(normal(answered.head()));
    String body = answered.shown(List.of(shown));
    if (!body.isEmpty()) {
      page.append('\n').append(normal(body)).append('\n');
    }
    page.append("```\n\n");
    return answered;
  }

  /** Runs a command that shows a part of an answer, and writes down what it prints. */
  private void lines(String command) {
    page.append("```console\n$ ").append(command).append('\n');
    page.append(normal(shell(command).replace("\r", ""))).append("```\n\n");
  }

  /** What a command printed: status line, headers, body. */
  private record Answered(String status, Map<String, String> headers, String body) {
    static Answered of(String output) {
      String text = output.replace("\r", "");
      int end = text.indexOf("\n\n");
      assertThat(end).as(output).isPositive();
      List<String> lines = text.substring(0, end).lines().toList();
      Map<String, String> headers = new LinkedHashMap<>();
      for (String line : lines.subList(1, lines.size())) {
        Matcher header = HEADER.matcher(line);
        if (header.matches()) {
          headers.put(header.group(1).toLowerCase(Locale.ROOT), header.group(2));
        }
      }
      return new Answered(lines.get(0), headers, text.substring(end + 2));
    }

    String head() {
      return status
          + "\n"
          + headers.entrySet().stream()
              .filter(header -> HEADERS.contains(header.getKey()))
              .map(header -> header.getKey() + ": " + header.getValue() + "\n")
              .sorted()
              .collect(Collectors.joining());
    }

    JsonNode json() {
      try {
        return Api.JSON.readTree(body);
      } catch (JsonProcessingException e) {
        throw new AssertionError(body, e);
      }
    }

    String shown(List<String> members) {
      if (!body.startsWith("{") && !body.startsWith("[")) {
        return body.lines().limit(4).collect(Collectors.joining("\n")).strip();
      }
      JsonNode whole = json();
      Stream.concat(Stream.of(whole), whole.isArray() ? elements(whole) : Stream.empty())
          .filter(JsonNode::isObject)
          .forEach(
              node -> {
                if (!members.isEmpty()) {
                  ((ObjectNode) node).retain(members);
                }
              });
      try {
        return Api.JSON.writer(SerializationFeature.INDENT_OUTPUT).writeValueAsString(whole);
      } catch (JsonProcessingException e) {
        throw new IllegalStateException(e);
      }
    }

    private static Stream<JsonNode> elements(JsonNode array) {
      List<JsonNode> all = new ArrayList<>();
      array.forEach(all::add);
      return all.stream();
    }
  }

  private String shell(String command) {
    try {
      Path output = Files.createTempFile("transcript", ".txt");
      ProcessBuilder bash = new ProcessBuilder("bash", "-uc", command);
      bash.environment().putAll(variables);
      Process process =
          bash.redirectOutput(output.toFile())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
      String printed = Files.readString(output, StandardCharsets.UTF_8);
      Files.delete(output);
      return printed;
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Replaces what differs from run to run. */
  private String normal(String text) {
    String same = text;
    for (String secret : List.of("SECRET", "REFRESH", "ACCESS")) {
      if (variables.containsKey(secret)) {
        same = same.replace(variables.get(secret), "slc_…");
      }
    }
    return same.replace(variables.get("HOST") + ":" + variables.get("PORT"), "db.example:5432")
        .replace("\"" + variables.get("HOST") + "\"", "\"db.example\"")
        .replace("\"" + variables.get("PORT") + "\"", "\"5432\"")
        .replace(variables.get("api"), "http://localhost:8080")
        .replaceAll("slc_[A-Za-z0-9_-]{20,}", "slc_…")
        .replaceAll(
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "0f8fad5b-d9cb-469f-a165-70867728950e")
        .replaceAll("\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z", "2026-01-15T09:30:00Z")
        .replaceAll("(\"durationMs\" ?: ?)\\d+", "$11")
        .replaceAll("(\"fingerprint\" ?: ?)\"[^\"]+\"", "$1\"6b1f0c52a97d4e83\"")
        .replaceAll("_start=[^&>]+", "_start=…")
        .replaceAll("(?m)^id: \\d+-\\d+$", "id: 1054-78");
  }

  private void define() {
    SluiceProcess.Target target = SLUICE.target();
    variables.put("api", SLUICE.api().toString());
    variables.put("auth", "Authorization: Bearer " + SLUICE.token());
    variables.put("json", "content-type: application/json");
    variables.put("merge", "content-type: application/merge-patch+json");
    variables.put("HOST", target.host());
    variables.put("PORT", Integer.toString(target.port()));
    variables.put("PASSWORD", target.password());
    variables.put(
        "settings",
        Api.JSON
            .createObjectNode()
            .put("driver", "postgresql")
            .put("host", target.host())
            .put("port", Integer.toString(target.port()))
            .put("database", target.database())
            .put("username", target.user())
            .put("password", target.password())
            .toString());
    variables.put(
        "zoho", SLUICE.api() + "/restapi/v2/workspaces/" + SLUICE.workspace() + "/datasources");
    variables.put("zauth", "Authorization: Zoho-oauthtoken " + SLUICE.token());
    variables.put("org", "ZANALYTICS-ORGID: " + SLUICE.organization());
    variables.put(
        "config",
        Api.JSON
            .createObjectNode()
            .put("serviceName", "LOCAL DATABASE")
            .put("databaseType", "POSTGRESQL")
            .put("hostName", target.host())
            .put("port", Integer.toString(target.port()))
            .put("userName", target.user())
            .put("password", target.password())
            .put("cloudDatabaseName", target.database())
            .toString());
  }

  private void awaitEnd(String location) {
    await()
        .atMost(30, TimeUnit.SECONDS)
        .until(
            () ->
                !Set.of("pending", "running")
                    .contains(API.get(location).send().json().path("outcome").asText()));
  }

  @Test
  void thePageIsWhatTheCommandsShow() throws IOException {
    Assumptions.assumeTrue(
        Stream.of(System.getenv("PATH").split(":", -1))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, "curl"))),
        "curl is not installed");
    define();
    API.request("DELETE", "/datasources/orders").admin().send();
    write();

    String made = page.toString().stripTrailing() + "\n";
    if (Boolean.getBoolean("sluice.regenerate")) {
      Files.writeString(PAGE, made);
    }
    assertThat(made).doesNotContain(variables.get("PASSWORD"), SLUICE.token());
    assertThat(Files.readString(PAGE))
        .as("mvn test -Dtest=TranscriptsTest -Dsluice.regenerate=true writes it")
        .isEqualTo(made);
  }

  private void write() {
    page.append("# The API in a shell\n\n");
    text(
        """
        Each command was run and shows what came of it: this page is made by a test, which fails when it is not
        what the service answers. Ids, times and tokens stand for others; of long answers some members are shown.
        The variables:

        ```sh
        api=http://localhost:8080; auth="Authorization: Bearer $TOKEN"
        json='content-type: application/json'; merge='content-type: application/merge-patch+json'
        settings='{"driver":"postgresql","host":"'$HOST'","port":"'$PORT'","database":"'$DB'","username":"'$DBUSER'","password":"'$PASSWORD'"}'
        zoho=$api/restapi/v2/workspaces/35130000001055707/datasources
        zauth="Authorization: Zoho-oauthtoken $TOKEN"; org='ZANALYTICS-ORGID: 55522777'
        config='{"serviceName":"LOCAL DATABASE","databaseType":"POSTGRESQL","hostName":"'$HOST'","port":"'$PORT'","userName":"'$DBUSER'","password":"'$PASSWORD'","cloudDatabaseName":"'$DB'"}'
        ```"""
            .strip());

    nativeWrites();
    nativeReads();
    zoho();
    administration();
    API.request("DELETE", "/datasources/orders").admin().send();
  }

  private void nativeWrites() {
    title("Test, create, change");
    text("A test alone stores nothing.");
    run("curl -si $api/datasources/test -H \"$auth\" -H \"$json\" -d \"$settings\"");
    run(
        "curl -si $api/datasources -H \"$auth\" -H \"$json\" -d \"${settings/\\{/{\\\"id\\\":\\\"orders\\\",}\"",
        "id",
        "driver",
        "host",
        "port",
        "password",
        "version",
        "status",
        "secrets");
    text("PATCH changes what it names; `dryRun` only says whether it would work.");
    run(
        "curl -si -X PATCH $api/datasources/orders -H \"$auth\" -H \"$merge\" -d '{\"options\":{\"schema\":\"public\"}}'",
        "id",
        "options",
        "version");
    run(
        "curl -si -X PATCH \"$api/datasources/orders?dryRun=true\" -H \"$auth\" -H \"$merge\" -d '{\"options\":null}'",
        "id",
        "options",
        "version");

    title("Secrets");
    text(
        "A secret that is absent or masked is kept, `null` or empty clears it, anything else replaces it. A kept"
            + " one is not\nsent to a changed destination.");
    run(
        "curl -si -X PUT $api/datasources/orders -H \"$auth\" -H \"$json\" -d \"${settings/$PASSWORD/********}\"",
        "id",
        "password",
        "version",
        "secrets");
    run(
        "curl -si -X PATCH $api/datasources/orders -H \"$auth\" -H \"$merge\" -d '{\"host\":\"elsewhere.example\"}'");
    text("A wrong one is refused with the report of the test, and what is stored stays.");
    run(
        "curl -si -X PATCH $api/datasources/orders -H \"$auth\" -H \"$merge\" -d '{\"password\":\"not-the-one-of-orders\"}'");
    text("The same as RFC 9457:");
    run("curl -si $api/datasources/missing -H \"$auth\" -H 'accept: application/problem+json'");

    title("Versions and repeated requests");
    run(
        "curl -si -X PATCH $api/datasources/orders -H \"$auth\" -H \"$merge\" -H 'if-match: \"1\"' -d '{\"options\":null}'");
    run(
        "curl -si -X PATCH $api/datasources/orders -H \"$auth\" -H \"$merge\" -H 'if-match: \"3\"' -H 'idempotency-key: change-7' -d '{\"options\":null}'",
        "id",
        "options",
        "version");
    run(
        "curl -si -X PATCH $api/datasources/orders -H \"$auth\" -H \"$merge\" -H 'if-match: \"3\"' -H 'idempotency-key: change-7' -d '{\"options\":null}'",
        "id",
        "options",
        "version");

    title("Not waiting for it");
    Answered accepted =
        run(
            "curl -si -X PATCH $api/datasources/orders -H \"$auth\" -H \"$merge\" -H 'prefer: respond-async' -d '{\"options\":{\"schema\":\"public\"}}'");
    variables.put("location", accepted.headers().get("location"));
    awaitEnd(accepted.headers().get("location"));
    text("`$location` is the one of the answer.");
    run(
        "curl -si $api$location -H \"$auth\"",
        "update_id",
        "data_source",
        "intake",
        "outcome",
        "version",
        "changed");

    title("A database that is away");
    run(
        "curl -si -X PATCH \"$api/datasources/orders?onUnreachable=pending\" -H \"$auth\" -H \"$merge\" -d '{\"port\":1,\"password\":\"'$PASSWORD'\"}'",
        "update_id",
        "data_source",
        "reason");
    run("curl -si -X DELETE $api/datasources/orders/pending -H \"$auth\"");

    title("Many at once");
    Answered many =
        run(
            "curl -si $api/datasources/bulk -H \"$auth\" -H \"$json\" -d '{\"ids\":[\"orders\",\"missing\"],\"patch\":{\"options\":{\"schema\":\"shop\"}}}'");
    awaitEnd(many.json().at("/items/0/location").asText());

    title("History and the way back");
    run(
        "curl -si \"$api/datasources/orders/history?_limit=2\" -H \"$auth\"",
        "update_id",
        "intake",
        "outcome",
        "version",
        "reason",
        "changed");
    run(
        "curl -si $api/datasources/orders/rollback -H \"$auth\" -H \"$json\" -d '{\"version\":1}'",
        "id",
        "options",
        "version",
        "updated_by");
  }

  private void nativeReads() {
    title("Finding");
    text("Filters and order; a page that is not the last one has a `Link` to the next.");
    lines("curl -si \"$api/datasources?_sort=id&_limit=1\" -H \"$auth\" | grep -iE '^(HTTP|link)'");
    run("curl -si \"$api/datasources/count?host=nowhere.example\" -H \"$auth\"");

    title("Status");
    text("What the scheduled checks, or the latest update, found.");
    run("curl -si $api/datasources/orders -H \"$auth\"", "id", "status", "published_at");
    run(
        "curl -si -X POST $api/datasources/orders/test -H \"$auth\"",
        "status",
        "target",
        "testedAt");

    title("Events as they happen");
    String stream = shell("curl -s --max-time 1 $api/events -H \"$auth\"");
    Matcher id = Pattern.compile("(?m)^id: (\\S+)").matcher(stream);
    assertThat(id.find()).as(stream).isTrue();
    variables.put("position", id.group(1));
    text(
        "The stream goes on until the client leaves; here `grep` ends it. `Last-Event-ID` asks for what came after"
            + " an event:\nhere `$position`, the last `id` that was seen before the change.");
    run(
        "curl -si -X PATCH $api/datasources/orders -H \"$auth\" -H \"$merge\" -d '{\"options\":{\"schema\":\"public\"}}'",
        "id",
        "version");
    lines(
        "grep -m1 -B2 '\"subject\":\"orders\"' < <(curl -sN --max-time 20 $api/events -H \"$auth\" -H \"last-event-id: $position\") | sed 's/,\"datacontenttype.*/, …/'");

    title("What there is");
    run("curl -si -X PUT $api/drivers -H \"$auth\"");
    run("curl -sI $api/docs");
    run("curl -si $api/datasources");
  }

  private void zoho() {
    title("As a client of Zoho Analytics");
    text("`CONFIG` in the query, in a form body, and un-encoded in a form body.");
    run(
        "curl -si -G -X PUT $zoho/orders -H \"$zauth\" -H \"$org\" --data-urlencode \"CONFIG=$config\"");
    run(
        "curl -si -X PUT $zoho/orders -H \"$zauth\" -H \"$org\" --data-urlencode \"CONFIG=$config\"");
    run("curl -si -X PUT $zoho/orders -H \"$zauth\" -H \"$org\" -d \"CONFIG=$config\"");
    text("A refusal:");
    run(
        "curl -si -X PUT $zoho/orders -H \"$zauth\" -H \"$org\" --data-urlencode \"CONFIG=${config/LOCAL DATABASE/HEROKU}\"");
    text("The list, of which one entry is shown:");
    lines(
        "curl -s $zoho -H \"$zauth\" -H \"$org\" | grep -o '{[^{}]*\"datasourceId\":\"orders\"}'");
  }

  private void administration() {
    title("Organizations, tokens, and the token endpoint");
    run(
        "curl -si $api/orgs -H \"$auth\" -H \"$json\" -d '{\"id\":\"no/slash\",\"name\":\"wrong\"}'");
    Answered token =
        run(
            "curl -si $api/tokens -H \"$auth\" -H \"$json\" -d '{\"workspace\":\"35130000001055707\",\"name\":\"rotation\",\"scopes\":[\"datasources:write\"]}'");
    API.request("DELETE", "/tokens/" + token.json().path("id").asText()).admin().send();
    Answered client =
        run(
            "curl -si $api/clients -H \"$auth\" -H \"$json\" -d '{\"workspace\":\"35130000001055707\",\"name\":\"library\",\"scopes\":[\"ZohoAnalytics.metadata.read\"]}'");
    variables.put("CLIENT", client.json().path("id").asText());
    variables.put("SECRET", client.json().path("client_secret").asText());
    variables.put("REFRESH", client.json().path("refresh_token").asText());
    text("`$CLIENT`, `$SECRET` and `$REFRESH` are those of the answer.");
    Answered issued =
        run(
            "curl -si -X POST \"$api/oauth/v2/token?grant_type=refresh_token&client_id=$CLIENT&client_secret=$SECRET&refresh_token=$REFRESH\"");
    variables.put("ACCESS", issued.json().path("access_token").asText());
    run(
        "curl -si -X PUT $zoho/orders -H 'Authorization: Zoho-oauthtoken 1000.ended' -H \"$org\" --data-urlencode \"CONFIG=$config\"");
    run("curl -si -X DELETE $api/clients/$CLIENT -H \"$auth\"");
  }
}

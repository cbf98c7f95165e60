package io.sluice.servers;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.servers.HttpsStub.Request;
import io.sluice.servers.HttpsStub.Response;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Amazon Athena in one region, with the buckets of S3, as their published HTTP protocols have it
 * (AWS JSON 1.1; Signature Version 4). Every signature is computed anew and compared.
 */
public final class AthenaStub implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration MAX_SKEW = Duration.ofMinutes(5);
  private static final Pattern AUTHORIZATION =
      Pattern.compile(
          "AWS4-HMAC-SHA256 Credential=([^/]+)/([0-9]{8})/([^/]+)/([^/]+)/aws4_request, ?"
              + "SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})");

  /** A workgroup and what becomes of the queries in it. */
  private record WorkGroup(String state, String outputLocation, boolean enforced) {}

  /** An access key and its session token, if it is a temporary one. */
  private record Key(String secret, String sessionToken, boolean mayRead, boolean mayQuery) {}

  private final String region;
  private final HttpsStub https;
  private final Map<String, Key> keys = new ConcurrentHashMap<>();
  private final Map<String, WorkGroup> workGroups = new ConcurrentHashMap<>();
  private final List<String> databases = new java.util.concurrent.CopyOnWriteArrayList<>();

  /** The status with which S3 answers for a bucket: 200, 301, 403; a missing one is 404. */
  private final Map<String, Integer> buckets = new ConcurrentHashMap<>();

  private final Map<String, AtomicInteger> polls = new ConcurrentHashMap<>();
  private volatile int pollsToFinish = 2;
  private volatile String endState = "SUCCEEDED";

  private AthenaStub(TestCa.Issued certificate, String region) {
    this.region = region;
    workGroups.put("primary", new WorkGroup("ENABLED", null, false));
    https = HttpsStub.start(certificate.sslContext(), this::answer);
  }

  public static String[] hosts(String region) {
    return new String[] {"athena." + region + ".amazonaws.com", "s3." + region + ".amazonaws.com"};
  }

  public static AthenaStub start(TestCa ca, String region) {
    return new AthenaStub(ca.server(hosts(region)), region);
  }

  public HttpsStub https() {
    return https;
  }

  public int port() {
    return https.port();
  }

  public void key(String id, String secret) {
    keys.put(id, new Key(secret, null, true, true));
  }

  public void temporaryKey(String id, String secret, String sessionToken) {
    keys.put(id, new Key(secret, sessionToken, true, true));
  }

  /** A key whose signature is good and whose rights are few. */
  public void keyWithoutRights(String id, String secret, boolean mayQuery) {
    keys.put(id, new Key(secret, null, false, mayQuery));
  }

  public void workGroup(String name, boolean enabled, String outputLocation) {
    workGroups.put(
        name,
        new WorkGroup(enabled ? "ENABLED" : "DISABLED", outputLocation, outputLocation != null));
  }

  public void database(String name) {
    databases.add(name);
  }

  public void bucket(String name, int status) {
    buckets.put(name, status);
  }

  /** How the next queries end, after how many questions about them. */
  public void queriesEnd(String state, int afterPolls) {
    endState = state;
    pollsToFinish = afterPolls;
  }

  private Response answer(Request request) {
    try {
      if (request.host().equals(hosts(region)[1])) {
        return verified(request, "s3") == null ? bucket(request) : new Response(403, Map.of(), "");
      }
      if (!request.host().equals(hosts(region)[0])) {
        return error("UnknownOperationException");
      }
      String problem = verified(request, "athena");
      return problem == null ? operation(request) : error(problem);
    } catch (GeneralSecurityException | JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private Response bucket(Request request) {
    // S3 takes no request without the hash of its payload.
    if (!request.method().equals("HEAD")
        || !request.headers().containsKey("x-amz-content-sha256")) {
      return Response.empty(400);
    }
    return Response.empty(buckets.getOrDefault(request.target().getPath().substring(1), 404));
  }

  private Response operation(Request request) throws JsonProcessingException {
    Matcher credential = AUTHORIZATION.matcher(request.headers().get("authorization"));
    Key key = credential.matches() ? keys.get(credential.group(1)) : null;
    JsonNode body = JSON.readTree(request.body());
    String operation =
        request.headers().getOrDefault("x-amz-target", "").replace("AmazonAthena.", "");
    return switch (operation) {
      case "GetWorkGroup" -> key.mayRead() ? workGroup(body) : error("AccessDeniedException");
      case "GetDatabase" -> database(body);
      case "StartQueryExecution" ->
          key.mayQuery() ? startQuery(body) : error("AccessDeniedException");
      case "GetQueryExecution" -> query(body);
      case "GetQueryResults" ->
          ok(
              """
              {"ResultSet":{"Rows":[{"Data":[{"VarCharValue":"_col0"}]},
              {"Data":[{"VarCharValue":"1"}]}],"ResultSetMetadata":{"ColumnInfo":
              [{"Name":"_col0","Type":"integer"}]}},"UpdateCount":0}
              """);
      default -> error("UnknownOperationException");
    };
  }

  private Response workGroup(JsonNode body) {
    WorkGroup group = workGroups.get(body.path("WorkGroup").asText());
    if (group == null) {
      return error("InvalidRequestException");
    }
    String location =
        group.outputLocation() == null
            ? "{}"
            : "{\"OutputLocation\":\"" + group.outputLocation() + "\"}";
    return ok(
        "{\"WorkGroup\":{\"Name\":\"w\",\"State\":\"%s\",\"Configuration\":{\"ResultConfiguration\":%s,\"EnforceWorkGroupConfiguration\":%s}}}"
            .formatted(group.state(), location, group.enforced()));
  }

  private Response database(JsonNode body) {
    String name = body.path("DatabaseName").asText();
    return databases.contains(name) && body.path("CatalogName").asText().equals("AwsDataCatalog")
        ? ok("{\"Database\":{\"Name\":\"" + name + "\"}}")
        : error("MetadataException");
  }

  private Response startQuery(JsonNode body) {
    WorkGroup group = workGroups.get(body.path("WorkGroup").asText());
    String sent = body.path("ResultConfiguration").path("OutputLocation").asText("");
    String location =
        group != null && group.outputLocation() != null ? group.outputLocation() : sent;
    String bucket = location.replaceFirst("^s3://", "").replaceFirst("/.*$", "");
    if (group == null
        || !body.path("QueryString").asText().equals("SELECT 1")
        || buckets.getOrDefault(bucket, 404) != 200) {
      return error("InvalidRequestException");
    }
    String id = UUID.randomUUID().toString();
    polls.put(id, new AtomicInteger());
    return ok("{\"QueryExecutionId\":\"" + id + "\"}");
  }

  private Response query(JsonNode body) {
    String id = body.path("QueryExecutionId").asText();
    AtomicInteger asked = polls.get(id);
    if (asked == null) {
      return error("InvalidRequestException");
    }
    int n = asked.incrementAndGet();
    String state = n <= 1 ? "QUEUED" : "RUNNING";
    if (n > pollsToFinish) {
      state = endState;
    }
    String why =
        state.equals("FAILED") ? ",\"AthenaError\":{\"ErrorCategory\":2,\"ErrorType\":1003}" : "";
    return ok(
        "{\"QueryExecution\":{\"QueryExecutionId\":\"%s\",\"Status\":{\"State\":\"%s\"%s}}}"
            .formatted(id, state, why));
  }

  private static Response ok(String body) {
    return new Response(200, Map.of("Content-Type", "application/x-amz-json-1.1"), body);
  }

  private static Response error(String type) {
    return new Response(
        400,
        Map.of("Content-Type", "application/x-amz-json-1.1"),
        "{\"__type\":\"" + type + "\",\"Message\":\"No.\"}");
  }

  /** Null when the request is signed by a key that is known here, else the name of the error. */
  private String verified(Request request, String service) throws GeneralSecurityException {
    Matcher header = AUTHORIZATION.matcher(request.headers().getOrDefault("authorization", ""));
    if (!header.matches()) {
      return "MissingAuthenticationTokenException";
    }
    Key key = keys.get(header.group(1));
    String token = request.headers().get("x-amz-security-token");
    if (key == null || !java.util.Objects.equals(key.sessionToken(), token)) {
      return "UnrecognizedClientException";
    }
    String date = request.headers().getOrDefault("x-amz-date", "19700101T000000Z");
    Instant signed =
        Instant.from(
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmssX").withZone(ZoneOffset.UTC).parse(date));
    boolean inTime = Duration.between(signed, Instant.now()).abs().compareTo(MAX_SKEW) < 0;
    boolean scoped =
        date.startsWith(header.group(2))
            && header.group(3).equals(region)
            && header.group(4).equals(service);
    List<String> names = List.of(header.group(5).split(";"));
    // What decides about the request must be under the signature.
    boolean complete =
        names.contains("host")
            && names.contains("x-amz-date")
            && (token == null || names.contains("x-amz-security-token"))
            && (service.equals("s3") || names.contains("x-amz-target"));
    String scope = String.join("/", header.group(2), region, service, "aws4_request");
    String canonical =
        String.join(
            "\n",
            request.method(),
            request.target().getRawPath(),
            request.target().getRawQuery() == null ? "" : request.target().getRawQuery(),
            names.stream()
                .map(name -> name + ":" + request.headers().getOrDefault(name, "").strip() + "\n")
                .collect(Collectors.joining()),
            header.group(5),
            hash(request.body()));
    String toSign = String.join("\n", "AWS4-HMAC-SHA256", date, scope, hash(canonical));
    byte[] signing = ("AWS4" + key.secret()).getBytes(StandardCharsets.UTF_8);
    for (String part : List.of(header.group(2), region, service, "aws4_request")) {
      signing = hmac(signing, part);
    }
    String expected = HexFormat.of().formatHex(hmac(signing, toSign));
    return inTime && scoped && complete && expected.equals(header.group(6))
        ? null
        : "InvalidSignatureException";
  }

  private static String hash(String text) throws GeneralSecurityException {
    return HexFormat.of()
        .formatHex(
            MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static byte[] hmac(byte[] key, String text) throws GeneralSecurityException {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public void close() {
    https.close();
  }
}

package io.sluice.accept;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The addresses of the OpenAPI document, compared exactly. The dispatcher behind it is lenient
 * about case and slashes, and two addresses of one resource are one too many for whoever filters or
 * counts requests in front of this service. Thread-safe.
 */
public final class ContractPaths {
  private static final List<String> METHODS =
      List.of("get", "put", "post", "delete", "options", "head", "patch", "trace");

  private static final Pattern ENCODED = Pattern.compile("(?:[^%]|%[0-9A-Fa-f]{2})*+");
  private static final Pattern DOTS = Pattern.compile("(?i)(?:\\.|%2e){1,2}");

  private record Template(List<String> segments, List<String> methods) {

    /** Whether all literal segments are there, in this or in any other case. */
    boolean matches(List<String> path, boolean anyCase) {
      if (path.size() != segments.size()) {
        return false;
      }
      for (int i = 0; i < path.size(); i++) {
        boolean same =
            anyCase
                ? segments.get(i).equalsIgnoreCase(path.get(i))
                : segments.get(i).equals(path.get(i));
        if (parameter(i) ? path.get(i).isEmpty() || DOTS.matcher(path.get(i)).matches() : !same) {
          return false;
        }
      }
      return true;
    }

    long parameters() {
      return IntStream.range(0, segments.size()).filter(this::parameter).count();
    }

    private boolean parameter(int segment) {
      return segments.get(segment).startsWith("{");
    }
  }

  private final List<Template> templates = new ArrayList<>();

  /**
   * @param contract the OpenAPI document
   */
  public ContractPaths(JsonNode contract) {
    contract
        .path("paths")
        .properties()
        .forEach(
            path ->
                templates.add(
                    new Template(
                        List.of(path.getKey().split("/", -1)),
                        METHODS.stream()
                            .filter(method -> supports(path.getValue(), method))
                            .map(method -> method.toUpperCase(Locale.ROOT))
                            .toList())));
  }

  /** What can be read answers to HEAD, too (RFC 9110, section 9.3.2). */
  private static boolean supports(JsonNode path, String method) {
    return path.has(method) || (method.equals("head") && path.has("get"));
  }

  /** Whether each percent sign begins an encoded octet (RFC 3986, section 2.1). */
  static boolean encodedWell(String rawPath) {
    return ENCODED.matcher(rawPath).matches();
  }

  /**
   * @param rawPath as it was sent
   * @return the methods that the resource supports; empty where there is no resource
   */
  Optional<List<String>> methods(String rawPath) {
    List<String> path = List.of(rawPath.split("/", -1));
    List<Template> alike = templates.stream().filter(t -> t.matches(path, true)).toList();
    // A literal in the wrong case is no parameter's value either: the dispatcher would take it.
    if (alike.isEmpty() || !alike.stream().allMatch(t -> t.matches(path, false))) {
      return Optional.empty();
    }
    // An address that is written out comes before one with a parameter in its place (OpenAPI 3.0,
    // "Path Templating Matching").
    long fewest = alike.stream().mapToLong(Template::parameters).min().orElseThrow();
    return alike.stream().filter(t -> t.parameters() == fewest).findFirst().map(Template::methods);
  }
}

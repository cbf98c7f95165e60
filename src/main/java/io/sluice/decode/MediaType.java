package io.sluice.decode;

import io.sluice.decode.Encoded.Api;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A content type (RFC 9110, section 8.3), as far as a decoder has to know it. */
enum MediaType {
  JSON,
  XML,
  FORM;

  private static final String TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
  private static final Pattern TYPE = Pattern.compile("\\s*(" + TOKEN + "/" + TOKEN + ")\\s*");
  private static final Pattern PARAMETER =
      Pattern.compile(
          "\\s*;\\s*(?:(" + TOKEN + ")=(?:(" + TOKEN + ")|\"((?:[^\"\\\\]|\\\\.)*)\"))?\\s*");

  /**
   * Which encoding a header names.
   *
   * @param header may be null
   * @throws Refusal {@link Reason#UNSUPPORTED_MEDIA_TYPE}, also for another charset than UTF-8
   */
  static MediaType of(String header, Api api) {
    String essence = essence(header).orElse("");
    if (api == Api.MERGE_PATCH) {
      return switch (essence) {
        case "application/json", "application/merge-patch+json" -> JSON;
        default ->
            throw Refusal.ofField(
                Reason.UNSUPPORTED_MEDIA_TYPE,
                "Content-Type",
                "A patch is sent as application/merge-patch+json or application/json.");
      };
    }
    return switch (essence) {
      case "application/json" -> JSON;
      case "application/xml" -> XML;
      case "application/x-www-form-urlencoded" -> FORM;
      default -> throw Refusal.because(Reason.UNSUPPORTED_MEDIA_TYPE);
    };
  }

  /**
   * Type and subtype in lower case; empty where the header is absent or cannot be read.
   *
   * @param header may be null
   * @throws Refusal {@link Reason#UNSUPPORTED_MEDIA_TYPE} for another charset than UTF-8
   */
  static Optional<String> essence(String header) {
    if (header == null) {
      return Optional.empty();
    }
    Matcher type = TYPE.matcher(header);
    if (!type.lookingAt()) {
      return Optional.empty();
    }
    Matcher parameter = PARAMETER.matcher(header);
    parameter.region(type.end(), header.length());
    while (parameter.regionStart() < header.length()) {
      if (!parameter.lookingAt()) {
        return Optional.empty();
      }
      String value = parameter.group(2) == null ? parameter.group(3) : parameter.group(2);
      if ("charset".equalsIgnoreCase(parameter.group(1)) && !"utf-8".equalsIgnoreCase(value)) {
        throw Refusal.ofField(
            Reason.UNSUPPORTED_MEDIA_TYPE,
            "Content-Type",
            "The charset in Content-Type must be UTF-8.");
      }
      parameter.region(parameter.end(), header.length());
    }
    return Optional.of(type.group(1).toLowerCase(Locale.ROOT));
  }
}

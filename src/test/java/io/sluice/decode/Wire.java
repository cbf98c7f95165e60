package io.sluice.decode;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a client writes: one update in every encoding of the contract.
 *
 * @param fields String, Integer, Boolean or null
 * @param options String or null
 */
record Wire(Map<String, Object> fields, Map<String, Object> options) {
  static final String ID = "warehouse-1";
  static final long TIMESTAMP = 1_700_000_000_000L;

  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** Every encoding by a name for the failure message. */
  Map<String, Encoded> all() {
    Map<String, Encoded> all = new LinkedHashMap<>();
    all.put("JSON", DecodeRoute.json(json()));
    all.put("XML", DecodeRoute.xml(xml()));
    all.put("XML, other case", DecodeRoute.body("Application/XML; charset=\"utf-8\"", xml()));
    all.put("form", DecodeRoute.form(form()));
    all.put("JSON under form", DecodeRoute.form(json()));
    all.put("merge patch", mergePatch());
    all.put("Kafka, plain", kafka(json(), Map.of()));
    all.put("Kafka, XML", kafka(xml(), Map.of("content-type", "application/xml")));
    all.put("CloudEvent, binary", kafka(form(), binary("application/x-www-form-urlencoded")));
    all.put("CloudEvent, structured", structured("\"data\":" + json()));
    all.put(
        "CloudEvent, structured, XML",
        structured("\"datacontenttype\":\"application/xml\",\"data\":" + quoted(xml())));
    all.put(
        "CloudEvent, structured, Base64",
        structured(
            "\"data_base64\":"
                + quoted(
                    Base64.getEncoder().encodeToString(json().getBytes(StandardCharsets.UTF_8)))));
    return all;
  }

  String json() {
    Map<String, Object> all = new LinkedHashMap<>(fields);
    if (!options.isEmpty()) {
      all.put("options", options);
    }
    return quoted(all);
  }

  private static String quoted(Object value) {
    try {
      return MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  String xml() {
    return "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
        + "<item xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n"
        + elements(fields)
        + (options.isEmpty() ? "" : "<options>" + elements(options) + "</options>")
        + "</item>\n";
  }

  private static String elements(Map<String, Object> values) {
    return values.entrySet().stream()
        .map(e -> element(e.getKey(), e.getValue()))
        .collect(Collectors.joining("\n  "));
  }

  private static String element(String name, Object value) {
    if (value == null) {
      return "<" + name + " xsi:nil=\"true\"/>";
    }
    String text =
        value
            .toString()
            .replace("&", "&amp;")
            .replace("<", "&lt;")
            .replace(">", "&gt;")
            .replace("\r", "&#13;");
    return "<" + name + ">" + text + "</" + name + ">";
  }

  String form() {
    return Stream.concat(
            fields.entrySet().stream().map(e -> pair(e.getKey(), e.getValue())),
            options.entrySet().stream().map(e -> pair("options." + e.getKey(), e.getValue())))
        .collect(Collectors.joining("&"));
  }

  private static String pair(String name, Object value) {
    return encoded(name) + "=" + (value == null ? "" : encoded(value.toString()));
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private Encoded mergePatch() {
    return new Encoded(
        json().getBytes(StandardCharsets.UTF_8),
        "application/merge-patch+json",
        Encoded.Api.MERGE_PATCH,
        ID);
  }

  static KafkaRecord record(String value, Map<String, String> headers) {
    return new KafkaRecord(
        "datasource.updates",
        3,
        42,
        TIMESTAMP,
        ID.getBytes(StandardCharsets.UTF_8),
        value.getBytes(StandardCharsets.UTF_8),
        headers);
  }

  private static Encoded kafka(String value, Map<String, String> headers) {
    return new CloudEventDecoder().decode(record(value, headers)).encoded();
  }

  private static Map<String, String> binary(String contentType) {
    return Map.of(
        "ce_specversion",
        "1.0",
        "ce_type",
        CloudEventDecoder.TYPE,
        "ce_source",
        "/rotator",
        "ce_id",
        "event-1",
        "ce_subject",
        ID,
        "content-type",
        contentType);
  }

  private static Encoded structured(String data) {
    return kafka(
        "{\"specversion\":\"1.0\",\"type\":\"sluice.datasource.update\",\"source\":\"/rotator\","
            + "\"id\":\"event-1\",\"subject\":\"warehouse-1\","
            + data
            + "}",
        Map.of("content-type", "application/cloudevents+json; charset=UTF-8"));
  }
}

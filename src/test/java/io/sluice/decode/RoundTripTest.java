package io.sluice.decode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Field;
import io.sluice.model.Secret;
import io.sluice.model.Update;
import io.sluice.model.Update.Change;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** Any value that the rules allow comes out of every encoding as it went in. */
class RoundTripTest {
  private static DecodeRoute route;

  @BeforeContainer
  static void start() throws Exception {
    route = new DecodeRoute();
  }

  @AfterContainer
  static void stop() {
    route.close();
  }

  @Property(tries = 150)
  void anyValueArrivesUnchanged(
      @ForAll("values") Map<Field, String> values, @ForAll("line") String option) {
    Map<String, Object> fields = new LinkedHashMap<>();
    Map<Field, Change> changes = new EnumMap<>(Field.class);
    values.forEach(
        (field, text) -> {
          fields.put(field.wireName(), text);
          changes.put(
              field, field.secret() ? new Change.Replace(Secret.of(text)) : new Change.Set(text));
        });
    Update expected =
        new Update(null, changes, new TreeMap<>(Map.of("schema", new Change.Set(option))));
    new Wire(fields, Map.of("schema", option))
        .all()
        .forEach(
            (encoding, encoded) ->
                assertThat(route.update(encoded)).as(encoding).isEqualTo(expected));
  }

  @Provide
  Arbitrary<Map<Field, String>> values() {
    return Combinators.combine(line(), line(), secret(), lines(), lines())
        .as(
            (username, database, password, authority, identity) ->
                Map.of(
                    Field.USERNAME, username,
                    Field.DATABASE, database,
                    Field.PASSWORD, password,
                    Field.SSL_CA, authority,
                    Field.SSH_IDENTITY, identity));
  }

  @Provide
  Arbitrary<String> line() {
    return text(Characters.Rule.SHOWN_LINE);
  }

  private static Arbitrary<String> secret() {
    return text(Characters.Rule.SECRET_LINE).filter(s -> !s.equals(Secret.MASK));
  }

  private static Arbitrary<String> lines() {
    return text(Characters.Rule.LINES);
  }

  /** Half of the characters are those that one encoding or another gives a meaning. */
  private static Arbitrary<String> text(Characters.Rule rule) {
    return Arbitraries.oneOf(
            Arbitraries.of("&<>\"'%+=;#?/\\{}[]]> \n\t:,.!-".codePoints().boxed().toList()),
            Arbitraries.integers().between(0, 0x10FFFF))
        .filter(c -> Characters.problem(Character.toString(c), rule).isEmpty())
        .list()
        .ofMinSize(1)
        .ofMaxSize(80)
        .map(
            codePoints ->
                codePoints.stream()
                    .collect(
                        StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                    .toString());
  }
}

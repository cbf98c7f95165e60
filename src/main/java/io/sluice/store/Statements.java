package io.sluice.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.component.jdbc.JdbcConstants;

/**
 * The statements of {@code config/sql}, read once at start. What several have in common is a file
 * of {@code parts}, and a line {@code include} with its name in each of them.
 */
public final class Statements {
  private static final Pattern PARAMETER = Pattern.compile(":\\?(\\w+)");
  private static final Pattern INCLUDE = Pattern.compile("(?m)^include ([\\w-]+)$");

  private static final String OUTBOX = "insert into outbox";
  private static final String TELLS = "statementTells";

  /** The column in which a statement says that it has put a dead letter into the outbox. */
  private static final String DEAD_LETTER = "dead_letter";

  /**
   * @param text with a question mark for each parameter
   * @param parameters their names, one for each question mark
   * @param tells whether it can put a row into the outbox
   */
  private record Sql(String text, List<String> parameters, boolean tells) {}

  private final Map<String, Sql> byName = new ConcurrentHashMap<>();
  private final Bell publisher;
  private final Bell deadLetters;

  /**
   * @param directory the folder of the {@code .sql} files
   * @param publisher is rung when a row may have been put into the outbox
   * @param deadLetters is rung before that one when the row is a dead letter
   */
  public Statements(Path directory, Bell publisher, Bell deadLetters) {
    this.publisher = publisher;
    this.deadLetters = deadLetters;
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".sql")).toList()) {
        String text = complete(file);
        byName.put(
            file.getFileName().toString().replace(".sql", ""),
            new Sql(
                PARAMETER.matcher(text).replaceAll("?"),
                PARAMETER.matcher(text).results().map(found -> found.group(1)).toList(),
                text.contains(OUTBOX)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read the statements in " + directory + ".", e);
    }
  }

  private static String complete(Path file) throws IOException {
    Matcher include = INCLUDE.matcher(withoutComments(file));
    StringBuilder text = new StringBuilder();
    while (include.find()) {
      Path part = file.resolveSibling("parts").resolve(include.group(1) + ".sql");
      include.appendReplacement(text, Matcher.quoteReplacement(withoutComments(part)));
    }
    return include.appendTail(text).toString();
  }

  private static String withoutComments(Path file) throws IOException {
    try (Stream<String> lines = Files.lines(file)) {
      return lines.filter(l -> !l.startsWith("--")).collect(Collectors.joining("\n"));
    }
  }

  /**
   * Turns a {@link Statement} into what camel-jdbc runs. Whatever else the message carried stays
   * behind: values are bound from the statement alone.
   */
  public void bind(Exchange exchange) {
    Message message = exchange.getMessage();
    Statement statement = message.getBody(Statement.class);
    Sql sql = byName.get(statement.name());
    if (sql == null || !statement.parameters().keySet().containsAll(sql.parameters())) {
      throw new IllegalStateException("No such statement, or a parameter is missing: " + statement);
    }
    // camel-jdbc binds them in this order, under whatever name.
    Map<Integer, Object> values = new LinkedHashMap<>();
    for (String parameter : sql.parameters()) {
      values.put(values.size(), statement.parameters().get(parameter));
    }
    message.removeHeaders("*");
    message.setHeader(JdbcConstants.JDBC_PARAMETERS, values);
    message.setBody(sql.text());
    exchange.setProperty(TELLS, sql.tells());
  }

  /** The statement has run: what it has to tell need not wait for the next look into the outbox. */
  public void ran(Exchange exchange) {
    if (Boolean.TRUE.equals(exchange.removeProperty(TELLS))
        && exchange.getMessage().getBody() instanceof List<?> rows
        && !rows.isEmpty()) {
      if (rows.get(0) instanceof Map<?, ?> row && Boolean.TRUE.equals(row.get(DEAD_LETTER))) {
        deadLetters.ring();
      }
      publisher.ring();
    }
  }
}

package io.sluice.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.component.jdbc.JdbcConstants;

/** The statements of {@code config/sql}, read once at start. */
public final class Statements {
  private static final Pattern PARAMETER = Pattern.compile(":\\?(\\w+)");

  private static final String OUTBOX = "insert into outbox";
  private static final String TELLS = "statementTells";

  /** The column in which a statement says that it has put a dead letter into the outbox. */
  private static final String DEAD_LETTER = "dead_letter";

  /**
   * @param tells whether it can put a row into the outbox
   */
  private record Sql(String text, Set<String> parameters, boolean tells) {}

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
        String text = withoutComments(Files.readString(file));
        Set<String> parameters = new TreeSet<>();
        Matcher matcher = PARAMETER.matcher(text);
        while (matcher.find()) {
          parameters.add(matcher.group(1));
        }
        byName.put(
            file.getFileName().toString().replace(".sql", ""),
            new Sql(text, parameters, text.contains(OUTBOX)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read the statements in " + directory + ".", e);
    }
  }

  private static String withoutComments(String text) {
    return text.lines().filter(l -> !l.startsWith("--")).collect(Collectors.joining("\n"));
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
    message.removeHeaders("*");
    message.setHeader(JdbcConstants.JDBC_PARAMETERS, statement.parameters());
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

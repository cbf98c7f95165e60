package io.sluice.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.sluice.servers.Installation;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/** Clients that send updates one after the other. */
final class Updates implements AutoCloseable {
  private final Installation installation;
  private final Follower follower;
  private final KafkaProducer<byte[], byte[]> producer;

  Updates(Installation installation, Follower follower) {
    this.installation = installation;
    this.follower = follower;
    this.producer = installation.producer();
  }

  /** Each client sends a request and waits for its answer. */
  Crowd.Recruiter http(Target target) {
    return number -> {
      byte[] request =
          HttpConnection.request(
              "PUT",
              "/datasources/" + target.ids().get(number),
              installation.process().token(),
              target.json());
      HttpConnection connection = new HttpConnection(installation.process().api());
      return new Crowd.Client() {
        @Override
        public void act() throws Exception {
          expect(200, connection.exchange(request));
        }

        @Override
        public void close() throws Exception {
          connection.close();
        }
      };
    };
  }

  static void expect(int wanted, int status) {
    if (status != wanted) {
      throw new IllegalStateException("Answered " + status + " in place of " + wanted + ".");
    }
  }

  /** Each client sends a record and waits for its event. */
  Crowd.Recruiter oneByOne(Target target) {
    return number -> {
      String id = target.ids().get(number);
      follower.clear(id);
      return client(
          () -> {
            send(id, target.json());
            follower.await(id, 1);
          });
    };
  }

  void send(String id, String json) {
    // A record that was not sent shows by the event that does not come.
    Future<RecordMetadata> unused =
        producer.send(
            new ProducerRecord<>(Installation.UPDATES, id.getBytes(UTF_8), json.getBytes(UTF_8)));
  }

  interface Act {
    void run() throws Exception;
  }

  static Crowd.Client client(Act act) {
    return new Crowd.Client() {
      @Override
      public void act() throws Exception {
        act.run();
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public void close() {
    producer.close();
  }
}

package io.sluice.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Clients that each do one thing after the other, all at once, for a while. */
final class Crowd {
  /** One client. */
  interface Client extends AutoCloseable {
    void act() throws Exception;

    @Override
    void close() throws Exception;
  }

  /** Makes a client; the number says which. */
  interface Recruiter {
    Client client(int number) throws Exception;
  }

  private Crowd() {}

  /**
   * @param usage of the product, whose processor time is counted
   */
  static Sample run(int clients, Duration time, Usage usage, Recruiter recruiter) {
    Sample sample = new Sample();
    ExecutorService threads = Executors.newFixedThreadPool(clients);
    try {
      List<Client> crowd = new ArrayList<>();
      for (int i = 0; i < clients; i++) {
        crowd.add(recruiter.client(i));
      }
      long cpu = usage.cpuNanos();
      long begun = System.nanoTime();
      long end = begun + time.toNanos();
      List<Future<?>> all = new ArrayList<>();
      for (Client client : crowd) {
        all.add(
            threads.submit(
                () -> {
                  for (long now = System.nanoTime(); now < end; ) {
                    client.act();
                    long after = System.nanoTime();
                    sample.add(after - now);
                    now = after;
                  }
                  return null;
                }));
      }
      for (Future<?> each : all) {
        each.get();
      }
      sample.ended(System.nanoTime() - begun, usage.cpuNanos() - cpu);
      for (Client client : crowd) {
        client.close();
      }
      return sample;
    } catch (ExecutionException e) {
      throw new IllegalStateException("A client failed.", e.getCause());
    } catch (Exception e) {
      throw new IllegalStateException("The clients could not work.", e);
    } finally {
      threads.shutdownNow();
    }
  }
}

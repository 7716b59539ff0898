package io.github.tuneqdm.stores;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Stands between a client and an HTTP server on this machine and spoils requests at random: it
 * answers 500 or 503 itself, waits, cuts the connection in the middle of the request's body, or
 * lets the server do its work and loses the answer.
 */
public final class BadConnection implements AutoCloseable {
  private static final int LONGEST_HEAD = 1 << 16;
  private static final int CHUNK = 1 << 14;
  private static final byte[] GO_ON =
      "HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  private final ServerSocket listener;
  private final int serverPort;
  private final Random random;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Map<Fault, Integer> faults = new EnumMap<>(Fault.class);
  private double rate;

  /** What can happen to a request. */
  public enum Fault {
    ERROR_500,
    ERROR_503,
    SLOW,
    CUT_REQUEST,
    LOST_ANSWER
  }

  private BadConnection(ServerSocket listener, int serverPort, long seed) {
    this.listener = listener;
    this.serverPort = serverPort;
    this.random = new Random(seed);
  }

  public static BadConnection to(int serverPort, long seed) {
    try {
      ServerSocket listener = new ServerSocket(0, 100, InetAddress.getByName("127.0.0.1"));
      BadConnection connection = new BadConnection(listener, serverPort, seed);
      connection.threads.execute(connection::accept);
      return connection;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** Which part of the requests is spoiled from now on: 0 none, 1 all. */
  public synchronized void spoil(double part) {
    rate = part;
  }

  /** How often each was done. */
  public synchronized Map<Fault, Integer> faults() {
    return Map.copyOf(faults);
  }

  /** The next request's fault; null for none. */
  private synchronized Fault draw() {
    if (random.nextDouble() >= rate) {
      return null;
    }
    Fault fault = Fault.values()[random.nextInt(Fault.values().length)];
    faults.merge(fault, 1, Integer::sum);
    return fault;
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        threads.execute(() -> serve(client));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  /** One request a connection. */
  private void serve(Socket client) {
    try (client) {
      byte[] head = head(client.getInputStream());
      if (head.length == 0) {
        return;
      }
      Fault fault = draw();
      if (fault == Fault.ERROR_500) {
        answer(client, "500 Internal Server Error", "InternalError");
      } else if (fault == Fault.ERROR_503) {
        answer(client, "503 Slow Down", "SlowDown");
      } else {
        forward(client, head, fault);
      }
    } catch (IOException | InterruptedException e) {
      return; // to the client it looks like any lost connection
    }
  }

  private static void answer(Socket client, String status, String code) throws IOException {
    String body = "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code></Error>";
    String answer =
        "HTTP/1.1 %s\r\nContent-Type: application/xml\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            .formatted(status, body.length(), body);
    client.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
    client.shutdownOutput();
  }

  private void forward(Socket client, byte[] head, Fault fault)
      throws IOException, InterruptedException {
    if (fault == Fault.SLOW) {
      Thread.sleep(300);
    }
    try (Socket server = new Socket("127.0.0.1", serverPort)) {
      server.getOutputStream().write(head);
      boolean silent = fault == Fault.CUT_REQUEST || fault == Fault.LOST_ANSWER;
      if (silent && text(head).contains("\r\nexpect: 100-continue")) {
        client.getOutputStream().write(GO_ON); // else the client waits before it sends the body
      }
      if (fault == Fault.CUT_REQUEST) {
        server.getOutputStream().write(client.getInputStream().readNBytes(contentLength(head) / 2));
        return;
      }
      threads.execute(() -> pump(client, server));
      if (fault == Fault.LOST_ANSWER) {
        server.getInputStream().readAllBytes();
        return;
      }
      server.getInputStream().transferTo(client.getOutputStream());
    }
  }

  private static void pump(Socket client, Socket server) {
    try {
      InputStream in = client.getInputStream();
      OutputStream out = server.getOutputStream();
      byte[] chunk = new byte[CHUNK];
      for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
        out.write(chunk, 0, n);
      }
    } catch (IOException e) {
      return; // one of both is done
    }
  }

  /** A request's head, told to be the last of its connection; empty where there is none. */
  private static byte[] head(InputStream in) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int ends = 0;
    while (ends < 4 && bytes.size() < LONGEST_HEAD) {
      int b = in.read();
      if (b < 0) {
        return new byte[0];
      }
      bytes.write(b);
      ends = b == (ends % 2 == 0 ? '\r' : '\n') ? ends + 1 : b == '\r' ? 1 : 0;
    }
    String head = bytes.toString(StandardCharsets.ISO_8859_1);
    String alone = head.replaceAll("(?i)\r\nConnection:[^\r]*", "");
    return (alone.substring(0, alone.length() - 2) + "Connection: close\r\n\r\n")
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String text(byte[] head) {
    return new String(head, StandardCharsets.ISO_8859_1).toLowerCase(Locale.ROOT);
  }

  private static int contentLength(byte[] head) {
    String text = text(head);
    int at = text.indexOf("\r\ncontent-length:");
    return at < 0
        ? 0
        : Integer.parseInt(text.substring(at + 17, text.indexOf('\r', at + 2)).strip());
  }

  @Override
  public void close() throws IOException {
    listener.close();
    threads.shutdownNow();
  }
}

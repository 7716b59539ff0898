package io.github.tuneqdm.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** A real headless browser with one page, told what to do by its DevTools protocol. */
public final class Chromium implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int PATIENCE_SECONDS = 20;

  private final Process process;
  private final Path profile;
  private final WebSocket socket;
  private final BlockingQueue<JsonNode> messages;
  private final List<String> complaints = new ArrayList<>();
  private int lastId;

  private Chromium(
      Process process, Path profile, WebSocket socket, BlockingQueue<JsonNode> messages) {
    this.process = process;
    this.profile = profile;
    this.socket = socket;
    this.messages = messages;
  }

  /** The browser's program, where this machine has one. */
  public static Optional<Path> program() {
    return Stream.of("chromium", "chromium-browser", "google-chrome")
        .map(name -> Path.of("/usr/bin", name))
        .filter(Files::isExecutable)
        .findFirst();
  }

  public static Chromium start(Path program) throws IOException, InterruptedException {
    Path profile = Files.createTempDirectory("tuneqdm-chromium-");
    Process process =
        new ProcessBuilder(
                program.toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile,
                "about:blank")
            .redirectErrorStream(true)
            .start();
    String port = port(process.inputReader());
    HttpClient http = HttpClient.newHttpClient();
    JsonNode pages =
        JSON.readTree(URI.create("http://127.0.0.1:" + port + "/json").toURL().openStream());
    String page = "";
    for (JsonNode target : pages) {
      page =
          target.get("type").asText().equals("page")
              ? target.get("webSocketDebuggerUrl").asText()
              : page;
    }
    BlockingQueue<JsonNode> messages = new LinkedBlockingQueue<>();
    WebSocket socket =
        http.newWebSocketBuilder().buildAsync(URI.create(page), new Listener(messages)).join();
    Chromium chromium = new Chromium(process, profile, socket, messages);
    chromium.call("Page.enable", Map.of());
    chromium.call("Runtime.enable", Map.of());
    chromium.call("Log.enable", Map.of());
    return chromium;
  }

  private static String port(BufferedReader out) throws IOException {
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      if (line.startsWith("DevTools listening on ")) {
        return line.replaceAll(".*127\\.0\\.0\\.1:(\\d+)/.*", "$1");
      }
    }
    throw new IOException("the browser did not start");
  }

  /** What the page says on its console, or what the browser says of it, that is no plain note. */
  public List<String> complaints() {
    return List.copyOf(complaints);
  }

  public void window(int width, int height) throws InterruptedException {
    call(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", width < 500));
  }

  void prefers(String scheme) throws InterruptedException {
    call(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
  }

  /** Opens a file and waits until all is loaded that is loaded at once. */
  public void open(Path file) throws InterruptedException {
    call("Page.navigate", Map.of("url", file.toAbsolutePath().toUri().toString()));
    await("Page.loadEventFired", -1);
  }

  /** The value of an expression; a promise's once it is kept. */
  public JsonNode value(String expression) throws InterruptedException {
    JsonNode result =
        call(
            "Runtime.evaluate",
            Map.of("expression", expression, "returnByValue", true, "awaitPromise", true));
    if (result.has("exceptionDetails")) {
      throw new AssertionError(expression + ": " + result.get("exceptionDetails"));
    }
    return result.get("result").path("value");
  }

  /** Presses a key as a person does: {@code Tab}, {@code Enter}, {@code Escape}. */
  void press(String key, int code) throws InterruptedException {
    for (String type : List.of("keyDown", "keyUp")) {
      call(
          "Input.dispatchKeyEvent",
          Map.of(
              "type",
              type,
              "key",
              key,
              "code",
              key,
              "windowsVirtualKeyCode",
              code,
              "text",
              key.equals("Enter") && type.equals("keyDown") ? "\r" : ""));
    }
  }

  public void screenshot(Path file) throws IOException, InterruptedException {
    JsonNode picture = call("Page.captureScreenshot", Map.of("format", "png"));
    Files.createDirectories(file.getParent());
    Files.write(file, Base64.getDecoder().decode(picture.get("data").asText()));
  }

  private JsonNode call(String method, Map<String, ?> parameters) throws InterruptedException {
    lastId++;
    ObjectNode message = JSON.createObjectNode().put("id", lastId).put("method", method);
    message.set("params", JSON.valueToTree(parameters));
    socket.sendText(message.toString(), true).join();
    return await("", lastId);
  }

  private JsonNode await(String event, int id) throws InterruptedException {
    while (true) {
      JsonNode message = messages.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
      if (message == null) {
        throw new AssertionError("the browser is silent");
      }
      String method = message.path("method").asText();
      JsonNode parameters = message.path("params");
      boolean complaint =
          method.equals("Runtime.exceptionThrown")
              || method.equals("Runtime.consoleAPICalled")
                  && parameters.path("type").asText().matches("error|warning|assert")
              || method.equals("Log.entryAdded")
                  && parameters.path("entry").path("level").asText().matches("error|warning");
      if (complaint) {
        complaints.add(parameters.toString());
      }
      if (!event.isEmpty() && method.equals(event)) {
        return parameters;
      }
      if (id > 0 && message.path("id").asInt() == id) {
        if (message.has("error")) {
          throw new AssertionError(message.get("error"));
        }
        return message.get("result");
      }
    }
  }

  /** Puts whole messages into the queue. */
  private static final class Listener implements WebSocket.Listener {
    private final BlockingQueue<JsonNode> messages;
    private final StringBuilder parts = new StringBuilder();

    Listener(BlockingQueue<JsonNode> messages) {
      this.messages = messages;
    }

    @Override
    public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
      parts.append(data);
      if (last) {
        try {
          messages.add(JSON.readTree(parts.toString()));
        } catch (IOException e) {
          throw new AssertionError(e);
        }
        parts.setLength(0);
      }
      webSocket.request(1);
      return null;
    }
  }

  @Override
  public void close() throws IOException {
    socket.abort();
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly().onExit().join();
    for (int tries = 0; tries < 20 && Files.exists(profile); tries++) {
      try (Stream<Path> files = Files.walk(profile)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(file);
        }
      } catch (IOException | UncheckedIOException e) {
        LockSupport.parkNanos(100_000_000); // a dying helper of the browser still writes there
      }
    }
  }
}

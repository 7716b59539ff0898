package io.github.tuneqdm.metrics;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Prompt templates: {@code {0}} stands for the identifier, {@code {1}} for the class noun, as in
 * {@code a photo of a {0} {1} on the beach}.
 */
public record PromptSet(@JsonValue List<String> templates) {
  private static final String IDENTIFIER = "{0}";
  private static final String CLASS_NOUN = "{1}";
  private static final long MAX_FILE_BYTES = 1 << 20;
  private static final int MAX_TEMPLATE_LENGTH = 1000;

  @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
  public PromptSet {
    templates = List.copyOf(templates);
    Map<String, Integer> seen = new HashMap<>();
    for (int i = 0; i < templates.size(); i++) {
      String problem = problemWith(templates.get(i));
      if (problem == null && seen.putIfAbsent(templates.get(i), i) != null) {
        problem = "it repeats prompt " + seen.get(templates.get(i));
      }
      if (problem != null) {
        throw TuneQdmException.inputData("Cannot use prompt %d: %s".formatted(i, problem));
      }
    }
    if (templates.isEmpty()) {
      throw TuneQdmException.inputData("Cannot use a prompt set without prompts");
    }
  }

  /**
   * Reads a UTF-8 text file with one template a line. Empty lines and lines that start with {@code
   * #} are skipped; every other line must be a good template.
   */
  public static PromptSet read(Path file) {
    List<String> templates = new ArrayList<>();
    Map<String, Integer> firstLine = new HashMap<>();
    int number = 0;
    for (String line : text(file).split("\r\n|\n|\r", -1)) {
      number++;
      String template = line.strip();
      if (template.isEmpty() || template.startsWith("#")) {
        continue;
      }
      String problem = problemWith(template);
      Integer earlier = firstLine.putIfAbsent(template, number);
      if (problem == null && earlier != null) {
        problem = "it repeats line " + earlier;
      }
      if (problem != null) {
        throw cannotRead(file, "line %d: %s".formatted(number, problem), null);
      }
      templates.add(template);
    }
    if (templates.isEmpty()) {
      throw cannotRead(
          file, "it holds no prompt (write one a line, such as a {0} {1} in the snow)", null);
    }
    return new PromptSet(templates);
  }

  public int size() {
    return templates.size();
  }

  /**
   * The prompts that images are sampled from, in template order.
   *
   * @param identifier the rare token that stands for the subject, such as {@code sks}
   */
  public List<String> prompts(String identifier, String classNoun) {
    return templates.stream().map(template -> fill(template, identifier, classNoun)).toList();
  }

  /** The same prompts as a stranger to the subject would say them, in template order. */
  public List<String> withoutIdentifier(String classNoun) {
    return templates.stream().map(template -> fill(template, "", classNoun)).toList();
  }

  private static String fill(String template, String identifier, String classNoun) {
    // One pass, so that an identifier that looks like a placeholder stays what it is.
    StringBuilder filled = new StringBuilder();
    int at = 0;
    while (at < template.length()) {
      if (template.startsWith(IDENTIFIER, at)) {
        filled.append(identifier.strip());
        at += IDENTIFIER.length();
      } else if (template.startsWith(CLASS_NOUN, at)) {
        filled.append(classNoun.strip());
        at += CLASS_NOUN.length();
      } else {
        filled.append(template.charAt(at++));
      }
    }
    return filled.toString().replaceAll("\\s+", " ").strip();
  }

  private static String problemWith(String template) {
    if (template.length() > MAX_TEMPLATE_LENGTH) {
      return "it is %d characters long, %d are allowed"
          .formatted(template.length(), MAX_TEMPLATE_LENGTH);
    }
    if (template.chars().anyMatch(c -> Character.isISOControl(c) && c != '\t')) {
      return "it holds control characters";
    }
    if (template.startsWith("'") || template.startsWith("\"")) {
      return "it starts with a quotation mark (write the bare prompt, without quotes and commas)";
    }
    if (occurrences(template, IDENTIFIER) != 1) {
      return "%s must stand in it exactly once, for the identifier: %s"
          .formatted(IDENTIFIER, template);
    }
    if (occurrences(template, CLASS_NOUN) != 1) {
      return "%s must stand in it exactly once, for the class noun: %s"
          .formatted(CLASS_NOUN, template);
    }
    String rest = template.replace(IDENTIFIER, "").replace(CLASS_NOUN, "");
    if (rest.indexOf('{') >= 0 || rest.indexOf('}') >= 0) {
      return "it holds braces other than {0} and {1}: " + template;
    }
    return null;
  }

  private static int occurrences(String text, String part) {
    return (text.length() - text.replace(part, "").length()) / part.length();
  }

  private static String text(Path file) {
    try {
      if (!Files.isRegularFile(file)) {
        throw cannotRead(file, "there is no such file (tuneqdm.evaluate.prompts)", null);
      }
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw cannotRead(file, "it is larger than 1 MiB, which no prompt file is", null);
      }
      String text =
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(Files.readAllBytes(file)))
              .toString();
      return text.startsWith("\uFEFF") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw cannotRead(file, "it is not UTF-8 text", e);
    } catch (IOException e) {
      throw cannotRead(file, e.toString(), e);
    }
  }

  private static TuneQdmException cannotRead(Path file, String why, Throwable cause) {
    return TuneQdmException.inputData("Cannot read prompts %s: %s".formatted(file, why), cause);
  }
}

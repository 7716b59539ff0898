package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.PromptSet;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code prompts_and_classes.txt} of DreamBooth's data set (google/dreambooth): a table {@code
 * subject_name,class}, then lists of prompts, for objects and for live subjects, as Python would
 * write them. It is read, never run: what it may hold is this and no more.
 *
 * <pre>
 * Classes
 * subject_name,class
 * backpack,backpack
 *
 * Object Prompts
 * prompt_list = [
 * 'a {0} {1} in the jungle'.format(unique_token, class_token),
 * ]
 * </pre>
 *
 * @param classes by subject
 * @param objects empty where the file has no such list
 * @param live likewise
 */
record DreamBoothFile(
    Map<String, String> classes, Optional<PromptSet> objects, Optional<PromptSet> live) {
  static final String NAME = "prompts_and_classes.txt";

  private static final Pattern RULE = Pattern.compile("[-=_*#~+|\\s]*");
  private static final Pattern TABLE = Pattern.compile("subject_name\\s*,\\s*class");
  private static final Pattern ROW = Pattern.compile("([^,]+),([^,]+)");
  private static final Pattern LIST = Pattern.compile("prompt_list\\s*=\\s*\\[\\s*");
  private static final Pattern PROMPT =
      Pattern.compile(
          "(?:'([^'\\\\]*)'|\"([^\"\\\\]*)\")"
              + "(?:\\.format\\(\\s*unique_token\\s*,\\s*class_token\\s*\\))?\\s*,?");

  private static final int LONGEST_LINE = 2000;

  DreamBoothFile {
    classes = Map.copyOf(classes);
  }

  /**
   * @param where the file, for messages
   */
  static DreamBoothFile parse(String text, String where) {
    return new Parser(where).parse(text);
  }

  private static final class Parser {
    private enum Place {
      BETWEEN,
      TABLE,
      LIST
    }

    private final String where;
    private final Map<String, String> classes = new HashMap<>();
    private final Map<Boolean, PromptSet> prompts = new HashMap<>(); // by whether live
    private List<String> list = new ArrayList<>();
    private String heading = "";
    private Place place = Place.BETWEEN;
    private int number;

    Parser(String where) {
      this.where = where;
    }

    DreamBoothFile parse(String text) {
      String rest = text.startsWith("\uFEFF") ? text.substring(1) : text;
      for (String line : rest.split("\r\n|\n|\r", -1)) {
        number++;
        if (line.length() > LONGEST_LINE) {
          throw refused("it is longer than %d characters".formatted(LONGEST_LINE));
        }
        take(line.strip());
      }
      if (place == Place.LIST) {
        throw refused("the list of prompts does not end (\"]\" on a line of its own)");
      }
      if (classes.isEmpty() && prompts.isEmpty()) {
        throw refused("there is neither a table \"subject_name,class\" nor a \"prompt_list = [\"");
      }
      return new DreamBoothFile(
          classes, Optional.ofNullable(prompts.get(false)), Optional.ofNullable(prompts.get(true)));
    }

    private void take(String line) {
      switch (place) {
        case LIST -> prompt(line);
        case TABLE -> row(line);
        case BETWEEN -> between(line);
      }
    }

    private void between(String line) {
      if (TABLE.matcher(line).matches()) {
        place = Place.TABLE;
      } else if (LIST.matcher(line).matches()) {
        place = Place.LIST;
        list = new ArrayList<>();
      } else if (!RULE.matcher(line).matches()) {
        heading = line;
      }
    }

    private void row(String line) {
      if (RULE.matcher(line).matches()) {
        place = classes.isEmpty() ? Place.TABLE : Place.BETWEEN; // lines may frame the table
        return;
      }
      Matcher row = ROW.matcher(line);
      if (!row.matches() || line.chars().anyMatch(Character::isISOControl)) {
        throw refused("a line of the table is \"subject,class\", with an empty line at its end");
      }
      if (classes.put(row.group(1).strip(), row.group(2).strip()) != null) {
        throw refused("%s is there twice".formatted(row.group(1).strip()));
      }
    }

    private void prompt(String line) {
      if (line.equals("]")) {
        end();
        return;
      }
      Matcher prompt = PROMPT.matcher(line);
      if (line.isEmpty() || line.startsWith("#")) {
        return;
      }
      if (!prompt.matches()) {
        throw refused(
            "a prompt is written 'a {0} {1} in the snow'.format(unique_token, class_token),");
      }
      list.add(prompt.group(1) == null ? prompt.group(2) : prompt.group(1));
    }

    private void end() {
      String title = heading.toLowerCase(Locale.ROOT);
      boolean live = title.contains("live");
      if (!live && !title.contains("object")) {
        throw refused(
            "the list stands under neither \"Object Prompts\" nor \"Live Subject Prompts\"");
      }
      if (prompts.containsKey(live)) {
        throw refused("there is a second list under \"%s\"".formatted(heading));
      }
      try {
        prompts.put(live, new PromptSet(list));
      } catch (TuneQdmException e) {
        throw refused("the list that ends here: " + e.getMessage());
      }
      place = Place.BETWEEN;
    }

    private TuneQdmException refused(String why) {
      return TuneQdmException.inputData(
          "Cannot read %s, line %d: %s".formatted(where, number, why));
    }
  }
}

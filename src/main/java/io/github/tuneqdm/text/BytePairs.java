package io.github.tuneqdm.text;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Byte-pair encoding of one word (Sennrich et al. 2016, section 3.2): start from single symbols,
 * the last one marked {@code </w>}, and join the pair of neighbours that {@code merges.txt} lists
 * first, everywhere in the word, until no listed pair is left.
 */
final class BytePairs {
  private static final String END_OF_WORD = "</w>";

  private final Map<Pair, Integer> ranks;
  private final Vocabulary vocabulary;
  private final int unknownId;

  private record Pair(String left, String right) {}

  private BytePairs(Map<Pair, Integer> ranks, Vocabulary vocabulary, int unknownId) {
    this.ranks = ranks;
    this.vocabulary = vocabulary;
    this.unknownId = unknownId;
  }

  /** Reads {@code merges.txt}; each pair and what it joins to must be tokens of the vocabulary. */
  static BytePairs read(TokenizerFile file, Vocabulary vocabulary, int unknownId) {
    Map<Pair, Integer> ranks = new HashMap<>();
    int lineNumber = 0;
    for (String line : file.lines()) {
      lineNumber++;
      if (line.startsWith("#version") || line.isEmpty()) {
        continue;
      }
      String[] pieces = line.split(" ", -1);
      if (pieces.length != 2 || pieces[0].isEmpty() || pieces[1].isEmpty()) {
        throw file.broken("line " + lineNumber + " is not two pieces with one space between them");
      }
      for (String token : List.of(pieces[0], pieces[1], pieces[0] + pieces[1])) {
        if (!vocabulary.contains(token)) {
          throw file.broken(
              "line "
                  + lineNumber
                  + " needs the token \""
                  + token
                  + "\", which vocab.json lacks (take both files from one model)");
        }
      }
      ranks.put(new Pair(pieces[0], pieces[1]), lineNumber);
    }
    return new BytePairs(ranks, vocabulary, unknownId);
  }

  /** Token ids of one word, given in the byte alphabet and not empty. */
  List<Integer> encode(String word) {
    List<String> pieces = new ArrayList<>(word.length());
    for (int i = 0; i < word.length(); i++) {
      String symbol = word.substring(i, i + 1);
      pieces.add(i == word.length() - 1 ? symbol + END_OF_WORD : symbol);
    }
    for (Pair best = firstListed(pieces); best != null; best = firstListed(pieces)) {
      pieces = join(pieces, best);
    }
    List<Integer> ids = new ArrayList<>(pieces.size());
    for (String piece : pieces) {
      ids.add(vocabulary.find(piece).orElse(unknownId));
    }
    return ids;
  }

  private Pair firstListed(List<String> pieces) {
    Pair best = null;
    int bestRank = Integer.MAX_VALUE;
    for (int i = 0; i + 1 < pieces.size(); i++) {
      Pair pair = new Pair(pieces.get(i), pieces.get(i + 1));
      int rank = ranks.getOrDefault(pair, Integer.MAX_VALUE);
      if (rank < bestRank) {
        best = pair;
        bestRank = rank;
      }
    }
    return best;
  }

  private static List<String> join(List<String> pieces, Pair pair) {
    List<String> joined = new ArrayList<>(pieces.size());
    int i = 0;
    while (i < pieces.size()) {
      boolean here =
          i + 1 < pieces.size()
              && pieces.get(i).equals(pair.left())
              && pieces.get(i + 1).equals(pair.right());
      joined.add(here ? pair.left() + pair.right() : pieces.get(i));
      i += here ? 2 : 1;
    }
    return joined;
  }
}

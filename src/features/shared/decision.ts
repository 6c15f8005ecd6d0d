/**
 * Which image a statement is given to: the one with the greater similarity, a tie going to the second (the MMVP
 * script's rule, where the first image needs a probability above one half).
 */
export function decision(similarities: readonly [number, number]): 0 | 1 {
  return similarities[0] > similarities[1] ? 0 : 1;
}

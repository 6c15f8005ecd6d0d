const nouns = (
  'cat dog horse cow pig rabbit mouse monkey elephant giraffe duck bird fish turtle whale sheep lion bear ' +
  'man woman child car bus truck tractor bicycle motorcycle train helicopter boat plane teapot boot cap mailbox ' +
  'umbrella book lock folder heart battery rose moon star cloud camera chair table bed backpack shirt dress tent door ' +
  'window house tree mushroom apple pear banana bread cake cup bottle plate spoon balloon guitar bell key gift bucket ' +
  'magnet butterfly octopus crab penguin owl pencil trumpet phone clock lamp ball shoe hat flower mountain bridge road'
).split(' ');
const colours = ['red', 'orange', 'yellow', 'green', 'blue', 'purple', 'pink', 'gray', 'black', 'white'];
const numbers = ['one', 'two', 'three', 'four', 'five'];
const looks = ['big', 'small', 'tall', 'wide', 'open', 'closed', 'old', 'new', 'empty', 'full'];
const sides = ['left', 'right'];
const places = ['to the left of', 'to the right of', 'above', 'below', 'in front of', 'behind', 'next to'];
const ends = [
  'upside down',
  'seen from the front',
  'seen from the side',
  'with a hat on top',
  'with nothing on top',
];
const letters = 'abcdefghijklmnopqrstuvwxyz';

type Pick = (list: ArrayLike<string>, stride: number) => string;

const article = (words: string) => `${'aeiou'.includes(words[0]!) ? 'an' : 'a'} ${words}`;

/** Forms of sentences: each names a thing and something that can be seen of it. */
const forms: readonly ((noun: string, pick: Pick) => string)[] = [
  (noun) => article(noun),
  (noun, pick) => article(`${pick(colours, 3)} ${noun}`),
  (noun, pick) => `${article(noun)} facing ${pick(sides, 1)}`,
  (noun, pick) => `${article(`${pick(colours, 7)} ${noun}`)} facing ${pick(sides, 5)}`,
  (noun, pick) => `${pick(numbers, 1)} ${pick(colours, 1)} ${noun}s`,
  (noun, pick) => article(`${pick(looks, 3)} ${noun}`),
  (noun, pick) => `${article(noun)} ${pick(places, 3)} ${article(pick(nouns, 41))}`,
  (noun, pick) =>
    `${article(`${pick(looks, 7)} ${pick(colours, 9)} ${noun}`)} ${pick(places, 5)} ${article(pick(nouns, 17))}`,
  (noun, pick) => `${article(`${pick(colours, 1)} ${noun}`)} ${pick(ends, 2)}`,
  (noun, pick) => `${article(noun)} with the letter ${pick(letters, 7)}`,
];

/**
 * Sentences about common things that name what can be seen of them: colour, number, direction, state, place, letters.
 * They describe no particular image; a text-inverse condition is fitted on how a text tower spreads them. The same
 * list every time, every noun in every form, with and without "a photo of".
 */
export function neutralSentences(): string[] {
  return forms.flatMap((form, f) =>
    nouns.map((noun, n) => {
      const pick: Pick = (list, stride) =>
        list[(n * stride + Math.floor(n / list.length) + f) % list.length]!;
      return `${(n + f) % 2 === 0 ? 'a photo of ' : ''}${form(noun, pick)}`;
    }),
  );
}

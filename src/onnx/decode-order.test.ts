import { describe, expect, it } from 'vitest';
import { encodeModel } from './encode.ts';
import { MalformedModelError } from './errors.ts';
import { readParts } from './testing/model-files.ts';
import { readBytes, refusal, relu } from './testing/refusal.ts';
import { floatTensor, floatValue, message, modelWith, node } from './testing/wire.ts';

const four = new Uint8Array(16);

describe('names', () => {
  const cases: [what: string, bytes: Uint8Array, problem: RegExp][] = [
    [
      'two initialisers of one name',
      relu([5, floatTensor('w', [4], four)], [5, floatTensor('w', [4], four)]),
      /one name .*"w"/,
    ],
    ['an initialiser without a name', relu([5, floatTensor('', [4], four)]), /has no name/],
    ['a value made twice', relu([1, node('Abs', ['x'], ['y'])]), /made twice .*"y"/],
    ['an output named as an input', relu([1, node('Abs', ['y'], ['x'])]), /made twice|cycle/],
    ['two inputs of one name', relu([11, floatValue('x', 4)]), /made twice .*"x"/],
    ['an output declared twice', relu([12, floatValue('y', 4)]), /twice as an output/],
    ['a value that nothing makes', relu([1, node('Abs', ['nowhere'], ['z'])]), /nothing makes .*"nowhere"/],
    ['an output that nothing makes', relu([12, floatValue('z', 4)]), /Nothing makes .*"z"/],
    ['a node that reads itself', relu([1, node('Abs', ['z'], ['z'])]), /cycle .*Abs/],
    ['a cycle', relu([1, node('Abs', ['a'], ['b'])], [1, node('Neg', ['b'], ['a'])]), /cycle/],
    [
      'an operator set that is not imported',
      relu([1, node('Op', ['x'], ['z'], [7, 'org.example'])]),
      /"org.example" without importing/,
    ],
    [
      'an attribute given twice',
      relu([
        1,
        node(
          'Abs',
          ['x'],
          ['z'],
          [5, message([1, 'a'], [3, 1], [20, 2])],
          [5, message([1, 'a'], [3, 1], [20, 2])],
        ),
      ]),
      /"a" comes twice/,
    ],
    [
      'a reference outside a function',
      relu([1, node('Abs', ['x'], ['z'], [5, message([1, 'a'], [21, 'b'], [20, 2])])]),
      /refers to an attribute/,
    ],
    [
      'a subgraph that makes an outer value again',
      relu([
        1,
        node(
          'If',
          ['x'],
          ['z'],
          [
            5,
            message(
              [1, 'then_branch'],
              [20, 5],
              [6, message([1, node('Abs', ['x'], ['y'])], [12, message([1, 'y'])])],
            ),
          ],
        ),
      ]),
      /made twice .*"y"/,
    ],
    [
      'a function defined twice',
      message([1, 8], [7, message()], [25, message([1, 'f'], [10, 'd'])], [25, message([1, 'f'], [10, 'd'])]),
      /d\.f is defined twice/,
    ],
  ];
  for (const [what, bytes, problem] of cases) {
    it(`refuses ${what}`, async () => {
      const error = await refusal(bytes);
      expect(error).toBeInstanceOf(MalformedModelError);
      expect(error.message).toMatch(problem);
      expect(error.location.file).toBe('hostile.onnx');
    });
  }

  it('sorts nodes that stand in another order, subgraphs considered', async () => {
    const branch = message([1, node('Abs', ['late'], ['inner'])], [12, message([1, 'inner'])]);
    const model = await readBytes(
      modelWith(
        [1, node('If', ['c'], ['y'], [5, message([1, 'then_branch'], [20, 5], [6, branch])])],
        [1, node('Neg', ['early'], ['late'])],
        [1, node('Exp', ['x'], ['early'])],
        [11, floatValue('x', 4)],
        [11, floatValue('c')],
        [12, floatValue('y', 4)],
      ),
    );
    expect(model.graph.nodes.map(({ op }) => op)).toEqual(['Exp', 'Neg', 'If']);
  });

  it('sorts a chain of fifty thousand nodes that stands upside down', async () => {
    const model = await readBytes(relu());
    const links = Array.from({ length: 50_000 }, (_, i) => ({
      ...model.graph.nodes[0]!,
      inputs: [i === 0 ? 'x' : `v${i}`],
      outputs: [i === 49_999 ? 'y' : `v${i + 1}`],
    }));
    model.graph.nodes = links.toReversed();
    const again = await readParts(encodeModel(model).parts);
    expect(again.graph.nodes).toEqual(links);
  });

  it('keeps an attribute called __proto__ an attribute', async () => {
    const model = await readBytes(
      relu([1, node('Abs', ['x'], ['z'], [5, message([1, '__proto__'], [3, 7], [20, 2])])]),
    );
    const { attributes } = model.graph.nodes[1]!;
    expect(Object.entries(attributes)).toEqual([['__proto__', { type: 'int', value: 7 }]]);
    expect(Object.getPrototypeOf(attributes)).toBe(Object.prototype);
  });
});

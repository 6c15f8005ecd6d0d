import { describe, expect, it } from 'vitest';
import { describeModel } from './testing/describe-model.ts';
import { modelFiles, pythonSays, readFixture } from './testing/model-files.ts';

describe('readModel', () => {
  for (const name of modelFiles) {
    it(`reads ${name} as the Python package does`, async () => {
      expect(await describeModel(await readFixture(name))).toEqual(expected(name));
    });

    it(`reads the same from ${name} when every tensor stays where it is`, async () => {
      const ranges = await describeModel(await readFixture(name, { inlineBytes: 0 }));
      expect(ranges).toEqual(expected(name));
    });
  }

  it('leaves long tensors where they are, wherever they occur', async () => {
    const kinds = async (name: string) => {
      const { graph } = await readFixture(name);
      return graph;
    };
    const typed = await kinds('typed-fields');
    expect(typed.initializers.get('long')?.data.kind).toBe('range');
    expect(typed.initializers.get('float32')?.data.kind).toBe('bytes');
    const constant = (await kinds('constants')).nodes[0]?.attributes['value'];
    expect(constant?.type === 'tensor' && constant.value.data.kind).toBe('range');
    const branch = (await kinds('subgraphs')).nodes[0]?.attributes['then_branch'];
    expect(branch?.type === 'graph' && branch.value.initializers.get('scale')?.data.kind).toBe('range');
  });
});

/** The Python package lists initialisers among the inputs of old files; models here never do. */
function expected(name: string): unknown {
  const said = pythonSays(name);
  if (name !== 'initializers-as-inputs') return said;
  const { graph, ...model } = said as { graph: { inputs: string[] } };
  return { ...model, graph: { ...graph, inputs: graph.inputs.filter((input) => input === 'x') } };
}

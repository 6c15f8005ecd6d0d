import type { TensorType } from '../model.ts';
import type { InferContext, InferTable } from './context.ts';

/**
 * Input [length, batch, size], weights [directions, gates * hidden, size] and [directions, gates * hidden, hidden] to
 * all states [length, directions, batch, hidden] and the last [directions, batch, hidden]; with layout 1 the batch
 * comes first.
 */
function statesOf(c: InferContext, gates: number): { all: TensorType; last: TensorType } {
  const batchFirst = c.int('layout', 0) === 1;
  const [first, second, size] = c.shape(0);
  const [directions, rows, columns] = c.shape(1);
  const [, sameRows, hidden] = c.shape(2);
  c.check(
    c.shape(0).length === 3 && c.shape(1).length === 3 && c.shape(2).length === 3,
    'Inputs need three axes',
  );
  c.check(
    size === columns && rows === sameRows && rows === gates * hidden!,
    'The weights do not fit the input',
  );
  const [length, batch] = batchFirst ? [second!, first!] : [first!, second!];
  const dtype = c.dtype(0);
  return batchFirst
    ? {
        all: { dtype, shape: [batch, length, directions!, hidden!] },
        last: { dtype, shape: [batch, directions!, hidden!] },
      }
    : {
        all: { dtype, shape: [length, directions!, batch, hidden!] },
        last: { dtype, shape: [directions!, batch, hidden!] },
      };
}

function recurrentTypes(c: InferContext, gates: number): TensorType[] {
  const { all, last } = statesOf(c, gates);
  return [all, last];
}

export const recurrent: InferTable = {
  RNN: (c) => recurrentTypes(c, 1),
  GRU: (c) => recurrentTypes(c, 3),
  LSTM: (c) => {
    const { all, last } = statesOf(c, 4);
    return [all, last, last];
  },
};

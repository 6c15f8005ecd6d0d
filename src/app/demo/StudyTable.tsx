import { formatSigned } from '../../features/shared/format.ts';
import { Panel } from '../../features/shared/Panel.tsx';
import { controlNames, meanChange, study } from './study.ts';

/** The published study of the recipe: every seed, the controls, the interval. */
export function StudyTable() {
  const { seeds, controls, claim, interval } = study;
  const rows = [
    ...seeds.map((run) => ({ name: `Seed ${run.seed}`, run, control: false })),
    ...controls.map((run) => ({
      name: `Control: ${controlNames[run.control] ?? run.control}, seed ${run.seed}`,
      run,
      control: true,
    })),
  ];
  return (
    <Panel
      title="The published seeds and controls"
      note={`Mean change ${formatSigned(meanChange(seeds))} points, 95% interval ${formatSigned(interval[0])} to ${formatSigned(interval[1])} over seeds and pairs. Claim: ${claim === 'gain' ? 'a gain' : 'none'}.`}
    >
      <div className="demo-table">
        <table aria-label="Published seeds and controls">
          <thead>
            <tr>
              <th scope="col">Run</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
              <th scope="col">Change</th>
              <th scope="col">Fixed</th>
              <th scope="col">Broken</th>
              <th scope="col">Class zero-shot</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, run, control }) => (
              <tr key={name} className={control ? 'demo-control' : undefined}>
                <th scope="row">{name}</th>
                <td>{run.before.total.toFixed(1)}</td>
                <td>{run.after.total.toFixed(1)}</td>
                <td>{formatSigned(run.after.total - run.before.total)}</td>
                <td>{run.hidden.fixed}</td>
                <td>{run.hidden.broken}</td>
                <td>
                  {run.zeroShot.before.toFixed(1)} → {run.zeroShot.after.toFixed(1)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

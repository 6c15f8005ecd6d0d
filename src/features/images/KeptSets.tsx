import { formatBytes, formatPlural } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';
import { useImages } from './store.ts';

/** Sets in this browser's storage, from this visit and earlier ones. */
export function KeptSets() {
  const sets = useImages((state) => state.sets);
  const chosen = useImages((state) => state.set);
  const { choose } = useImages.getState();
  return (
    <Panel title="Kept sets" note="Stay in this browser until you clear its storage.">
      {sets.length === 0 ? (
        <p className="images-none">None yet. A set you add appears here, also after you come back.</p>
      ) : (
        <ul className="kept-sets">
          {sets.map(({ id, name, count, bytes, skipped }) => (
            <li key={id}>
              <button type="button" aria-pressed={id === chosen} onClick={() => choose(id)}>
                <span className="kept-sets-name">{name}</span>
                <span className="kept-sets-figures">
                  {formatPlural(count, 'image')}
                  {skipped.length > 0 && `, ${skipped.length} skipped`}
                  <span>{formatBytes(bytes)}</span>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

import { NativeSelect } from '@mantine/core';
import { Link } from 'wouter';
import { useImages } from '../images/store.ts';
import { useModels } from '../models/store.ts';
import { formatCount, formatParameters, formatPlural } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';

/** What goes into a run: encoder, teacher and images, each chosen or still missing. */
export function Ingredients() {
  const { encoders, teachers, encoder, teacher, choose: chooseModel } = useModels();
  const { sets, set, choose: chooseSet } = useImages();
  const empty = encoders.length === 0 && teachers.length === 0 && sets.length === 0;
  const chosenEncoder = encoders.find(({ id }) => id === encoder);
  const chosenTeacher = teachers.find(({ id }) => id === teacher);
  const chosenSet = sets.find(({ id }) => id === set);

  return (
    <Panel
      title="Ingredients"
      note={
        empty ? (
          <>
            Three things make a run. Add your own, or <Link href="/">try the demo</Link>, which brings all
            three.
          </>
        ) : undefined
      }
    >
      <div className="ingredients">
        <Ingredient
          label="Encoder"
          missing="Add an encoder in Models"
          href="/models"
          items={encoders}
          value={encoder}
          onChange={(id) => chooseModel('encoder', id)}
          detail={
            chosenEncoder &&
            `${formatParameters(chosenEncoder.parameters)} weights, ${chosenEncoder.imageSize} px, ${formatPlural(chosenEncoder.patches, 'patch', 'patches')}`
          }
        />
        <Ingredient
          label="Teacher"
          missing="Add a teacher in Models"
          href="/models"
          items={teachers}
          value={teacher}
          onChange={(id) => chooseModel('teacher', id)}
          detail={
            chosenTeacher &&
            `${formatParameters(chosenTeacher.parameters)} weights, ${chosenTeacher.context.tokens} × ${formatCount(chosenTeacher.context.width)} context`
          }
        />
        <Ingredient
          label="Image set"
          missing="Add pictures in Images"
          href="/images"
          items={sets}
          value={set}
          onChange={chooseSet}
          detail={chosenSet && `${formatPlural(chosenSet.count, 'image')}, no captions needed`}
        />
      </div>
    </Panel>
  );
}

interface IngredientProps {
  label: string;
  missing: string;
  href: string;
  items: readonly { id: string; name: string }[];
  value: string | null;
  onChange: (id: string) => void;
  detail: string | undefined;
}

function Ingredient({ label, missing, href, items, value, onChange, detail }: IngredientProps) {
  if (items.length === 0) {
    return (
      <div className="ingredient ingredient-missing">
        <span>{label}</span>
        <Link href={href}>{missing}</Link>
      </div>
    );
  }
  return (
    <div className="ingredient">
      <NativeSelect
        label={label}
        size="sm"
        value={value ?? ''}
        data={items.map(({ id, name }) => ({ value: id, label: name }))}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      {detail && <p>{detail}</p>}
    </div>
  );
}

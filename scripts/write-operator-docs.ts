// Writes docs/operators.md: npx tsx scripts/write-operator-docs.ts
import { writeFileSync } from 'node:fs';
import { operatorDocs } from './operator-docs.ts';

writeFileSync(new URL('../docs/operators.md', import.meta.url), operatorDocs());

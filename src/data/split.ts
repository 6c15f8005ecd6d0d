import { sha256 } from './hash.ts';

/**
 * Splits images into those to train on and those held out. Duplicates stay together: an image that is held out must
 * not have been trained on in another file. The result depends on the images' contents and the seed alone, not on
 * names or order.
 *
 * @param images contents of each, and the number of its group of duplicates
 * @param share of the images to hold out, 0..1; reached as nearly as whole groups allow
 * @returns for each image whether it is held out
 */
export async function holdOut(
  images: readonly { sha256: string; group: number }[],
  share: number,
  seed: number,
): Promise<boolean[]> {
  const groups = new Map<number, { members: number[]; first: string }>();
  for (const [i, image] of images.entries()) {
    const group = groups.get(image.group);
    if (!group) groups.set(image.group, { members: [i], first: image.sha256 });
    else {
      group.members.push(i);
      if (image.sha256 < group.first) group.first = image.sha256;
    }
  }
  const drawn = await Promise.all(
    [...groups.values()].map(async ({ members, first }) => ({
      members,
      draw: await sha256(new TextEncoder().encode(`${seed}\n${first}`)),
    })),
  );
  drawn.sort((a, b) => (a.draw < b.draw ? -1 : 1));
  const held = new Array<boolean>(images.length).fill(false);
  const wanted = Math.round(share * images.length);
  let count = 0;
  for (const { members } of drawn) {
    // A group that would pass the share by no less than it lacks now is left to train on.
    if (count + members.length - wanted >= wanted - count) continue;
    for (const i of members) held[i] = true;
    count += members.length;
  }
  return held;
}

import { isArchive } from './archives.ts';
import { isPicture } from './image-set.ts';

/**
 * Which files of a repository make an image set: pictures, and archives of them.
 *
 * @param within takes only this folder, or this file
 * @param isBeside says which other files come with them, such as labels
 * @throws Error that names what is there instead
 */
export function datasetFiles<File extends { path: string }>(
  repository: string,
  files: readonly File[],
  within = '',
  isBeside: (file: File) => boolean = () => false,
): File[] {
  const meant = files.filter(
    ({ path }) => within === '' || path === within || path.startsWith(`${within.replace(/\/$/, '')}/`),
  );
  const holdsImages = (file: File) => isPicture(file) || isArchive(file);
  if (meant.some(holdsImages)) return meant.filter((file) => holdsImages(file) || isBeside(file));
  const where = within === '' ? repository : `${repository}/${within}`;
  const tables = meant.filter(({ path }) => /\.(parquet|arrow|tfrecord)$/i.test(path)).length;
  throw new Error(
    tables > 0
      ? `${where} holds its images in ${tables} Parquet, Arrow or TFRecord files, which are not read. Name a data set of image files or of zip or tar archives (WebDataset), or unpack it and drop the folder`
      : `${where} holds no image files and no zip or tar archives among its ${meant.length} files`,
  );
}

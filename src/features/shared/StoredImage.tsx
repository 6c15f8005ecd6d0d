import { IconPhotoOff } from '@tabler/icons-react';
import { useFileUrl } from './file-url.ts';
import './stored-image.css';

interface StoredImageProps {
  /** Image set or benchmark that holds it. */
  owner: string;
  path: string;
  alt: string;
  className?: string | undefined;
}

/** An image that the engine keeps. */
export function StoredImage({ owner, path, alt, className }: StoredImageProps) {
  return <Picture url={useFileUrl(owner, path)} alt={alt} className={className} />;
}

interface PictureProps extends Pick<StoredImageProps, 'alt' | 'className'> {
  /** Undefined while it is awaited, null when the image cannot be read. */
  url: string | null | undefined;
}

/** An image by its address, or what stands in its place. */
export function Picture({ url, alt, className = '' }: PictureProps) {
  if (url === null) {
    return (
      <span
        className={`stored-image stored-image-lost ${className}`}
        role="img"
        aria-label={`${alt} (not readable)`}
      >
        <IconPhotoOff size={18} stroke={1.5} aria-hidden="true" />
      </span>
    );
  }
  return url === undefined ? (
    <span
      className={`stored-image stored-image-waiting ${className}`}
      role="img"
      aria-label={`${alt} (loading)`}
    />
  ) : (
    <img className={`stored-image ${className}`} src={url} alt={alt} decoding="async" draggable={false} />
  );
}

import * as ort from 'onnxruntime-web/webgpu';
import { version } from '../../../package.json';

/** The software that makes figures, for reports. */
export const versions = (): string[] => [
  `Acuity ${version}`,
  `ONNX Runtime ${ort.env.versions.web ?? ort.env.versions.common}`,
];

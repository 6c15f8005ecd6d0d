import type {
  EncoderSummary,
  HardwareReport,
  ImageSetSummary,
  RunSummary,
  TeacherSummary,
  WebGpuCheck,
} from '../../../workers/protocol.ts';

export interface RunLogParts {
  run: RunSummary;
  encoder: EncoderSummary | undefined;
  teacher: TeacherSummary | undefined;
  imageSet: ImageSetSummary | undefined;
  hardware: HardwareReport | null;
  check: WebGpuCheck | null;
}

/** A run as a JSON file to keep beside a paper: what it was made of, every step, and the check if one was made. */
export function runLog({ run, encoder, teacher, imageSet, hardware, check }: RunLogParts): Blob {
  const { steps, ...summary } = run;
  const log = {
    ...summary,
    encoder: encoder ?? run.encoder,
    teacher: teacher ?? run.teacher,
    imageSet: imageSet ?? run.imageSet,
    hardware,
    webGpuCheck: check,
    steps,
  };
  return new Blob([`${JSON.stringify(log, null, 2)}\n`], { type: 'application/json' });
}

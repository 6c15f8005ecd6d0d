/** The forward noising process of a latent diffusion model, from its `scheduler/scheduler_config.json`. */
export interface NoiseSchedule {
  /** Number of timesteps T; t runs over 0..T-1. */
  steps: number;
  /** sqrt(abar_t), float64, length T. */
  signal: Float64Array;
  /** sqrt(1 - abar_t), float64, length T. */
  noise: Float64Array;
  /** What the UNet predicts: the noise, the velocity (Salimans and Ho 2022, eq. 21) or the clean sample. */
  prediction: 'epsilon' | 'v_prediction' | 'sample';
}

interface SchedulerConfig {
  num_train_timesteps?: number;
  beta_start?: number;
  beta_end?: number;
  beta_schedule?: string;
  prediction_type?: string;
  trained_betas?: number[] | null;
}

/**
 * Reads a diffusers scheduler configuration. Defaults are Stable Diffusion's (scaled linear, 0.00085 to 0.012, 1000).
 * Throws a RangeError that names the field when a value is not one that diffusers defines.
 */
export function noiseSchedule(config: SchedulerConfig = {}): NoiseSchedule {
  const steps = config.num_train_timesteps ?? 1000;
  if (!Number.isInteger(steps) || steps < 1) {
    throw new RangeError(
      `scheduler_config.json: num_train_timesteps is ${steps}, not a positive whole number`,
    );
  }
  const prediction = config.prediction_type ?? 'epsilon';
  if (prediction !== 'epsilon' && prediction !== 'v_prediction' && prediction !== 'sample') {
    throw new RangeError(
      `scheduler_config.json: prediction_type "${prediction}" is not one diffusers defines`,
    );
  }
  const betas = config.trained_betas ?? betasOf(config, steps);
  const signal = new Float64Array(steps);
  const noise = new Float64Array(steps);
  let product = 1;
  for (let t = 0; t < steps; t++) {
    product *= 1 - betas[t]!;
    signal[t] = Math.sqrt(product);
    noise[t] = Math.sqrt(1 - product);
  }
  return { steps, signal, noise, prediction };
}

function betasOf(config: SchedulerConfig, steps: number): number[] {
  const start = config.beta_start ?? 0.00085;
  const end = config.beta_end ?? 0.012;
  const at = (from: number, to: number, t: number) =>
    steps === 1 ? from : from + ((to - from) * t) / (steps - 1);
  switch (config.beta_schedule ?? 'scaled_linear') {
    case 'scaled_linear':
      return Array.from({ length: steps }, (_, t) => at(Math.sqrt(start), Math.sqrt(end), t) ** 2);
    case 'linear':
      return Array.from({ length: steps }, (_, t) => at(start, end, t));
    case 'squaredcos_cap_v2': {
      // Nichol and Dhariwal 2021, eq. 17, with betas capped at 0.999.
      const abar = (u: number) => Math.cos((((u + 0.008) / 1.008) * Math.PI) / 2) ** 2;
      return Array.from({ length: steps }, (_, t) =>
        Math.min(0.999, 1 - abar((t + 1) / steps) / abar(t / steps)),
      );
    }
    default:
      throw new RangeError(
        `scheduler_config.json: beta_schedule "${config.beta_schedule}" is not linear, scaled_linear or squaredcos_cap_v2`,
      );
  }
}

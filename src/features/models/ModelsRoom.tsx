import { RoomHead } from '../shared/Panel.tsx';
import { HardwarePanel } from './HardwarePanel.tsx';
import { ModelBay } from './ModelBay.tsx';
import './models.css';

/** Where the encoder to sharpen and the diffusion model that teaches it come from. */
export function ModelsRoom() {
  return (
    <>
      <RoomHead
        title="Models"
        note="An encoder to sharpen, and a frozen diffusion model to teach it. Files are read on this computer and never leave it."
      />
      <div className="models-grid">
        <ModelBay kind="encoder" />
        <ModelBay kind="teacher" />
        <HardwarePanel />
      </div>
    </>
  );
}

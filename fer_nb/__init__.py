"Facial-emotion recognition you can read, run, trust and deploy"
import os as _os

__version__ = "0.1.0"
_os.environ.setdefault('ORT_DISABLE_TELEMETRY', '1') # read when onnxruntime is imported: later is too late

"Facial-emotion recognition you can read, run, trust and deploy. What stands here is loaded when it is first used."
import importlib as _importlib
import os as _os
from typing import TYPE_CHECKING

__version__ = "0.2.0"
_os.environ.setdefault('ORT_DISABLE_TELEMETRY', '1') # read when onnxruntime is imported: later is too late

if TYPE_CHECKING: # for editors and type checkers
    from .batch import predict_folder, predict_photos
    from .core import CLASSES, COLORS, STATUSES, TRUTHS, VOTES, FerError, MissingExtra, Prediction, WeightsError
    from .draw import draw_faces
    from .explain import heat_map, overlay
    from .faces import Face, FaceDetector
    from .image import load_image
    from .importance import draw_importance, landmark_importance
    from .inference import EmotionRecognizer, annotate
    from .landmarks import LandmarkExtractor, draw_landmarks
    from .network import Calibration, OnnxNet, find_weights
    from .photos import BatchError, find_photos
    from .sources import ImageError
    from .tables import to_frame, to_rows, write_table
    from .video.analyze import analyze_video, write_annotated
    from .video.files import read_video
    from .video.mp4 import VideoError
    from .video.opening import VideoInfo, video_info
    from .video.timeline import Timeline, plot_timeline
    from .video.track import FaceTracker

__all__ = [
    'BatchError', 'CLASSES', 'COLORS', 'Calibration', 'EmotionRecognizer', 'Face', 'FaceDetector', 'FaceTracker',
    'FerError', 'ImageError', 'LandmarkExtractor', 'MissingExtra', 'OnnxNet', 'Prediction', 'STATUSES', 'TRUTHS',
    'Timeline', 'VOTES', 'VideoError', 'VideoInfo', 'WeightsError', 'analyze_video', 'annotate', 'draw_faces',
    'draw_importance', 'draw_landmarks', 'find_photos', 'find_weights', 'heat_map', 'landmark_importance', 'load_image',
    'overlay', 'plot_timeline', 'predict_folder', 'predict_photos', 'read_video', 'to_frame', 'to_rows', 'video_info',
    'write_annotated', 'write_table']

_ROOMS = { # the same names, by the room that defines them
    'batch': 'predict_folder predict_photos',
    'core': 'CLASSES COLORS STATUSES TRUTHS VOTES FerError MissingExtra Prediction WeightsError',
    'draw': 'draw_faces',
    'explain': 'heat_map overlay',
    'faces': 'Face FaceDetector',
    'image': 'load_image',
    'importance': 'draw_importance landmark_importance',
    'inference': 'EmotionRecognizer annotate',
    'landmarks': 'LandmarkExtractor draw_landmarks',
    'network': 'Calibration OnnxNet find_weights',
    'photos': 'BatchError find_photos',
    'sources': 'ImageError',
    'tables': 'to_frame to_rows write_table',
    'video.analyze': 'analyze_video write_annotated',
    'video.files': 'read_video',
    'video.mp4': 'VideoError',
    'video.opening': 'VideoInfo video_info',
    'video.timeline': 'Timeline plot_timeline',
    'video.track': 'FaceTracker'}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names.split()}

if not TYPE_CHECKING: # to a type checker, a name that is not above is a mistake
    def __getattr__(name):
        if name not in _ROOM_OF: raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
        globals()[name] = value = getattr(_importlib.import_module(f'.{_ROOM_OF[name]}', __name__), name)
        return value

    def __dir__(): return sorted({*globals(), *__all__})
